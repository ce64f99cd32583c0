import type { PaymentRequest } from '../domain/payment-request.ts';
import { eventsOf, type StateChangeEvent } from '../domain/state-change-event.ts';
import type { StateChangePublisher } from './ports.ts';

/** One write to the table: the record before and after it, and its place in the stream. */
export interface WrittenChange {
  readonly sequenceNumber: string;
  readonly before: PaymentRequest | undefined;
  readonly after: PaymentRequest;
}

/**
 * Publishes what a batch of writes says, in order. Returns the sequence number of the first write of which an event was
 * refused, from which the stream is to be delivered again; `undefined` when all is published.
 */
export const publishStateChanges =
  ({ publisher }: { readonly publisher: StateChangePublisher }) =>
  async (
    changes: readonly WrittenChange[],
  ): Promise<{
    readonly retryFrom: string | undefined;
    readonly published: readonly StateChangeEvent[];
  }> => {
    const origin = new Map<StateChangeEvent, string>();
    for (const { before, after, sequenceNumber } of changes) {
      for (const event of eventsOf(before, after)) origin.set(event, sequenceNumber);
    }
    const refused = await publisher.publish([...origin.keys()]);
    const first = refused[0];
    const published = [...origin.keys()].filter((event) => !refused.includes(event));
    return { retryFrom: first && origin.get(first), published };
  };
