import { ServiceError } from '../wire/service-error.ts';

/** The content of a receipt handle: the message, and which receipt of it. */
export interface Receipt {
  readonly position: number;
  readonly receipt: string;
}

export const formatReceiptHandle = ({ position, receipt }: Receipt): string => `${position}-${receipt}`;

/** Throws ReceiptHandleIsInvalid for what was never a handle. An outdated handle is valid here. */
export function parseReceiptHandle(handle: string): Receipt {
  const [, position, receipt] = /^(\d{1,15})-([0-9a-f]{32})$/.exec(handle) ?? [];
  if (position === undefined || receipt === undefined) {
    throw new ServiceError('ReceiptHandleIsInvalid', 'The input receipt handle is invalid.', 404);
  }
  return { position: Number(position), receipt };
}
