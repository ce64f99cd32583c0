import { ServiceError } from '../wire/service-error.ts';

/** What a receipt handle says: the message, and the receipt of it that it belongs to. */
export interface Receipt {
  readonly position: number;
  readonly receipt: string;
}

export const formatReceiptHandle = ({ position, receipt }: Receipt): string => `${position}-${receipt}`;

/** Throws ReceiptHandleIsInvalid for what was never a handle; one that is out of date parses well. */
export function parseReceiptHandle(handle: string): Receipt {
  const [, position, receipt] = /^(\d{1,15})-([0-9a-f]{32})$/.exec(handle) ?? [];
  if (position === undefined || receipt === undefined) {
    throw new ServiceError('ReceiptHandleIsInvalid', 'The input receipt handle is invalid.', 404);
  }
  return { position: Number(position), receipt };
}
