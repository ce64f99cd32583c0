import type { PaymentRequest } from '../domain/payment-request.ts';
import { eventsOf, type StateChangeEvent } from '../domain/state-change-event.ts';
import type { StateChangePublisher } from './ports.ts';

/** One write to the table: the record before and after it, and its place in the stream. */
export interface WrittenChange {
  readonly sequenceNumber: string;
  readonly before: PaymentRequest | undefined;
  readonly after: PaymentRequest;
}

/** What was published, and the sequence number from which the stream delivers again; absent where all was published. */
export interface PublishResult {
  readonly retryFrom: string | undefined;
  readonly published: readonly StateChangeEvent[];
}

/** Publishes the events of a batch of writes, in order. The stream delivers again from the first write with a refused event. */
export const publishStateChanges =
  ({ publisher }: { readonly publisher: StateChangePublisher }) =>
  async (changes: readonly WrittenChange[]): Promise<PublishResult> => {
    const origin = new Map<StateChangeEvent, string>();
    for (const { before, after, sequenceNumber } of changes) {
      for (const event of eventsOf(before, after)) origin.set(event, sequenceNumber);
    }
    const refused = await publisher.publish([...origin.keys()]);
    const first = refused[0];
    const published = [...origin.keys()].filter((event) => !refused.includes(event));
    return { retryFrom: first && origin.get(first), published };
  };
