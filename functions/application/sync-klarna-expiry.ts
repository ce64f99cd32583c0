import { ownEventId } from '../domain/identifiers.ts';
import { instantFromMillis } from '../domain/instant.ts';
import { type ExpiryAnswer, wantedExpiry, withExpiryAnswer } from '../domain/klarna-expiry.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import { callLimit, observationOf } from './ask-klarna.ts';
import { changeRecord } from './change-record.ts';
import type {
  AccountSettings,
  Clock,
  Ids,
  KlarnaAnswer,
  KlarnaExpiry,
  PaymentRequestStore,
} from './ports.ts';

export interface ExpirySyncDependencies {
  readonly store: PaymentRequestStore;
  readonly klarnaExpiry: KlarnaExpiry;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Told of an answer that could not be written down. */
  readonly onFault: (error: unknown) => void;
}

/**
 * Sets Klarna's own expiry of the request to the deadline of its session, where the account wants that and Klarna takes it:
 * a second net, should nothing of ours be there at the deadline. When the deadline is moved meanwhile, the last to finish
 * leaves the expiry as the record has it. Never rejects, asks Klarna for no longer than one call may take, and returns the
 * record as it then stands.
 */
export const syncKlarnaExpiry =
  (dependencies: ExpirySyncDependencies) =>
  async (record: PaymentRequest, settings: AccountSettings): Promise<PaymentRequest> => {
    const { store, klarnaExpiry, clock, ids } = dependencies;
    const until = clock.now() + callLimit;
    let current = record;
    try {
      while (settings.syncKlarnaExpiry && clock.now() < until) {
        const askedAt = clock.now();
        const askedFor = wantedExpiry(current, settings.inProgressGrace, instantFromMillis(askedAt));
        if (!askedFor) break;
        const { klarna } = settings;
        const answer = await klarnaExpiry.moveExpiry(
          klarna,
          record.paymentRequestId,
          askedFor,
          until - askedAt,
        );
        const said: ExpiryAnswer = {
          eventId: ownEventId('expiry', ids.next()),
          askedFor,
          outcome: outcomeOf(answer),
          observation:
            answer.kind === 'payment-request'
              ? observationOf({ answer, askedAt }, 'read', dependencies)
              : undefined,
          proof: answer.proof,
        };
        const { record: stored } = await changeRecord(store, current, current, (latest) => ({
          next: latest && withExpiryAnswer(latest, said, instantFromMillis(clock.now())),
          outcome: undefined,
        }));
        if (!stored) break;
        current = stored;
        if (said.outcome !== 'accepted') break;
      }
    } catch (error) {
      dependencies.onFault(error);
    }
    return current;
  };

function outcomeOf(answer: KlarnaAnswer): ExpiryAnswer['outcome'] {
  switch (answer.kind) {
    case 'payment-request':
      return 'accepted';
    case 'denied':
    case 'not-found':
    case 'refused':
      return 'refused';
    case 'rate-limited':
    case 'unclear':
    case 'unknown-state':
      return 'unknown';
  }
}
