import { type PaymentRequestKey, parseReference, type ReferenceKey } from '../domain/identifiers.ts';
import type { AwaitedReference } from '../domain/awaited-reference.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import { attemptsIn, type SessionAttempts } from '../domain/session-attempts.ts';
import { isPayment } from '../domain/state-change-event.ts';
import type {
  AwaitedReferences,
  HandOver,
  PaymentRequestStore,
  ReferencedPaymentRequests,
  SessionPaymentRequests,
} from './ports.ts';

/** What following the writes of the stream needs. */
export interface FollowDependencies {
  readonly store: Pick<PaymentRequestStore, 'readAll'>;
  readonly sessions: SessionPaymentRequests;
  readonly references: ReferencedPaymentRequests;
  readonly awaited: Pick<AwaitedReferences, 'read'>;
  readonly handOver: HandOver;
  /** Called with the fault of a write that could not be followed. The sweep does what it asks for. */
  readonly onFollowFault: (key: PaymentRequestKey | ReferenceKey, error: unknown) => void;
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
  ({ store, sessions, awaited, handOver, onFollowFault }: FollowDependencies) =>
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
      await settleFor(record, { awaited, handOver });
      return { attempts, isDone: true };
    } catch (error) {
      onFollowFault({ account, paymentRequestId }, error);
      return { attempts, isDone: false };
    }
  };

/** Hands over what waits for the reference of a record, where the write may be the first with that reference. */
async function settleFor(
  record: PaymentRequest,
  { awaited, handOver }: Pick<FollowDependencies, 'awaited' | 'handOver'>,
): Promise<void> {
  const { account, reference: text, paymentRequestId } = record;
  const reference = text === undefined ? undefined : parseReference(text);
  if (!reference || !mayBeFirst(record)) return;
  const key = { account, reference };
  if ((await awaited.read(key))?.status === 'waiting') await handOver.settle(key, paymentRequestId);
}

/** Whether a write may have given the record its reference: that of a caller, or of Klarna with a state, an older one too. */
const mayBeFirst = ({ session, changes, history }: PaymentRequest): boolean =>
  changes.length === 0
    ? ['stale', 'confirming'].includes(history.at(-1)?.effect ?? '')
    : changes.some(({ kind }) => kind === 'state_changed' || (kind === 'registered' && session));

/** The same for a write of what waits: a request with the reference may have been seen before. */
export const followReference =
  ({ references, handOver, onFollowFault }: FollowDependencies) =>
  async ({ account, reference, status }: AwaitedReference): Promise<{ readonly isDone: boolean }> => {
    if (status !== 'waiting') return { isDone: true };
    try {
      for await (const { paymentRequestId } of references.ofReference(account, reference)) {
        await handOver.settle({ account, reference }, paymentRequestId);
        break;
      }
      return { isDone: true };
    } catch (error) {
      onFollowFault({ account, reference }, error);
      return { isDone: false };
    }
  };
