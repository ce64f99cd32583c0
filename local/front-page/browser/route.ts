import type { PaymentRequestRecord } from './record.ts';

type Key = Pick<PaymentRequestRecord, 'account' | 'payment_request_id'>;

/** The URL fragment of a Payment Request. It follows the API's path, so a link can be shared. */
export const routeTo = ({ account, payment_request_id }: Key): string =>
  `#/accounts/${encodeURIComponent(account)}/payment-requests/${encodeURIComponent(payment_request_id)}`;

/** The Payment Request that the page's address names, if any. */
export function chosenRequest(): Key | undefined {
  const [, account, id] = /^#\/accounts\/([^/]+)\/payment-requests\/([^/]+)$/.exec(location.hash) ?? [];
  if (account === undefined || id === undefined) return undefined;
  try {
    return { account: decodeURIComponent(account), payment_request_id: decodeURIComponent(id) };
  } catch {
    return undefined;
  }
}
