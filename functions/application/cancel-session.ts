import type { CancelCommand } from '../domain/cancellation.ts';
import type { PaymentRequestKey, SessionId } from '../domain/identifiers.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import { isOpen } from '../domain/payment-request-state.ts';
import type { CancelRehearsal } from './cancel-payment-request.ts';
import type { AccountSettings, Clock } from './ports.ts';
import { readSession, type SessionReading } from './read-session.ts';

export interface SessionCancelDependencies extends SessionReading {
  readonly clock: Clock;
  /** Ends one request, or rehearses its end. */
  readonly cancel: (
    key: PaymentRequestKey,
    command: CancelCommand,
    settings: AccountSettings,
  ) => Promise<CancelRehearsal>;
  /** Told of a request that could not be ended for a fault of ours. The others are not held up by it. */
  readonly onFault: (key: PaymentRequestKey, error: unknown) => void;
}

/** What became of one request of the session. `untried`: a fault, or no time left; the record is as it was read. */
export type SessionCancelOutcome =
  CancelRehearsal | { readonly kind: 'untried'; readonly record: PaymentRequest };

export interface SessionMember extends PaymentRequestKey {
  readonly outcome: SessionCancelOutcome;
}

/** Requests ended side by side: a session has a few, and Klarna a rate limit. */
const lanes = 5;

/** Milliseconds after which no further cancel is begun: each may take 12 s more, and API Gateway waits 30. */
const beginWithin = 10_000;

/**
 * Ends every open request of a session, each by a cancel of its own, and says of each what came of it, oldest first; of a
 * session that nothing is known of, nothing. What is paid or has ended is answered from its record and not touched.
 */
export const cancelSession =
  (dependencies: SessionCancelDependencies) =>
  async (
    sessionId: SessionId,
    command: CancelCommand,
    settings: AccountSettings,
  ): Promise<readonly SessionMember[]> => {
    const { clock } = dependencies;
    const until = clock.now() + beginWithin;
    const records = await readSession(dependencies)(settings.account, sessionId);
    const members: SessionMember[] = [];
    const waiting = records.entries();
    const lane = async () => {
      for (const [index, record] of waiting) {
        const { account, paymentRequestId } = record;
        const outcome = await endOne(dependencies, record, command, settings, until);
        members[index] = { account, paymentRequestId, outcome };
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    return members;
  };

async function endOne(
  { cancel, clock, onFault }: SessionCancelDependencies,
  record: PaymentRequest,
  command: CancelCommand,
  settings: AccountSettings,
  until: number,
): Promise<SessionCancelOutcome> {
  const { state } = record;
  if (state === 'CANCELED') return { kind: 'already-canceled', record };
  if (!isOpen(state)) return { kind: 'already-final', state, record };
  if (clock.now() >= until) return { kind: 'untried', record };
  try {
    return await cancel(record, command, settings);
  } catch (error) {
    onFault(record, error);
    return { kind: 'untried', record };
  }
}
