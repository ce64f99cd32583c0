import type { PaymentRequestKey } from './identifiers.ts';

/** A record that cannot be trusted: an attribute that decides what may be done with it cannot be read. Tells no value. */
export class UnreadableRecordError extends Error {
  override readonly name = 'UnreadableRecordError';

  constructor({ account, paymentRequestId }: PaymentRequestKey, attributes: readonly string[]) {
    super(`${account}/${paymentRequestId}: ${attributes.join(', ')} cannot be read`);
  }
}
