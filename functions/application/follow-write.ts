import type { PaymentRequestKey } from '../domain/identifiers.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import { attemptsIn, type SessionAttempts } from '../domain/session-attempts.ts';
import { isPayment } from '../domain/state-change-event.ts';
import type { HandOver, PaymentRequestStore, SessionPaymentRequests } from './ports.ts';

/** What following the writes of the stream needs. */
export interface FollowDependencies {
  readonly store: Pick<PaymentRequestStore, 'readAll'>;
  readonly sessions: SessionPaymentRequests;
  readonly handOver: HandOver;
  /** Called with the fault of a write that could not be followed. The sweep does what it asks for. */
  readonly onFollowFault: (key: PaymentRequestKey, error: unknown) => void;
}

/** What following a write found: the attempts of the session, where the write tells of a payment in one. */
export interface Followed {
  readonly attempts: SessionAttempts | undefined;
  /** Whether everything was handed over that is to be. */
  readonly isDone: boolean;
}

/** The most attempts that an event names. */
const mostNamed = 50;

/**
 * Follows one write of the stream. It finds the other attempts of a session that is paid. Where they are to be looked into, it hands the
 * record over. Writes nothing itself. Never rejects, so that no event waits for it.
 */
export const followWrite =
  ({ store, sessions, handOver, onFollowFault }: FollowDependencies) =>
  async (record: PaymentRequest): Promise<Followed> => {
    const { account, sessionId, paymentRequestId } = record;
    let attempts: SessionAttempts | undefined;
    try {
      const isPaid = record.changes.some(isPayment) && sessionId !== undefined;
      const others: PaymentRequestKey[] = [];
      if (isPaid) {
        for await (const key of sessions.ofSession(account, sessionId)) {
          if (key.paymentRequestId !== paymentRequestId) others.push(key);
          if (others.length === mostNamed) break;
        }
        const members = others.length > 0 ? await store.readAll(others, () => undefined) : [];
        attempts = attemptsIn([...members.filter((member) => member.sessionId === sessionId), record]);
      }
      if (record.isToBeCompared || others.length > 0) await handOver.compare(record);
      return { attempts, isDone: true };
    } catch (error) {
      onFollowFault({ account, paymentRequestId }, error);
      return { attempts, isDone: false };
    }
  };
