import { type CancelCommand, withSparedMember } from '../domain/cancellation.ts';
import { ownEventId, type PaymentRequestKey, type SessionId } from '../domain/identifiers.ts';
import { instantFromMillis } from '../domain/instant.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import { isOpen } from '../domain/payment-request-state.ts';
import type { CancelResult } from './cancel-payment-request.ts';
import { changeRecord } from './change-record.ts';
import { mapConcurrently } from './map-concurrently.ts';
import type { AccountSettings, Clock, Ids } from './ports.ts';
import { readSession, type SessionReading } from './read-session.ts';

export interface SessionCancelDependencies extends SessionReading {
  readonly clock: Clock;
  readonly ids: Ids;
  /** Nothing is written, as `cancel` writes nothing. */
  readonly isDryRun: boolean;
  /** Ends one request, or rehearses its end. */
  readonly cancel: (
    key: PaymentRequestKey,
    command: CancelCommand,
    settings: AccountSettings,
  ) => Promise<CancelResult>;
  /** Told of a request that could not be ended, or noted as spared, for a fault of ours. The others are not held up by it. */
  readonly onFault: (key: PaymentRequestKey, error: unknown) => void;
}

/** One request of the session, and what became of it. Of an `untried` one, the record is as it was read. */
export type SessionMember = PaymentRequestKey & CancelResult;

/** Requests ended side by side: a session has a few, and Klarna a rate limit. */
const cancelsAtOnce = 5;

/** Milliseconds after which no further cancel is begun: each may take 12 s more, and API Gateway waits 30. */
const beginWithin = 10_000;

/**
 * Ends every open request of a session, each by a cancel of its own, and says of each what came of it, oldest first; of a
 * session that nothing is known of, nothing. What is paid or has ended is answered from its record, which notes that it was asked
 * for and stays as it is.
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
    return mapConcurrently(records, cancelsAtOnce, async (record) => {
      const { account, paymentRequestId } = record;
      const result = await endOne(dependencies, record, command, settings, until);
      return { account, paymentRequestId, ...result };
    });
  };

async function endOne(
  dependencies: SessionCancelDependencies,
  record: PaymentRequest,
  command: CancelCommand,
  settings: AccountSettings,
  until: number,
): Promise<CancelResult> {
  const { cancel, clock, onFault } = dependencies;
  const { state } = record;
  const isLate = clock.now() >= until;
  if (!isOpen(state)) {
    const noted = isLate ? record : await noteSpared(dependencies, record, command);
    return state === 'CANCELED'
      ? { outcome: 'already_canceled', record: noted }
      : { outcome: 'already_final', state, record: noted };
  }
  if (isLate) return { outcome: 'untried', record };
  try {
    return await cancel(record, command, settings);
  } catch (error) {
    onFault(record, error);
    return { outcome: 'untried', record };
  }
}

/** The record with the command noted. What it answers is known whether that can be written or not. */
async function noteSpared(
  { store, clock, ids, isDryRun, onFault }: SessionCancelDependencies,
  record: PaymentRequest,
  command: CancelCommand,
): Promise<PaymentRequest> {
  if (isDryRun) return record;
  const eventId = ownEventId('response', ids.next());
  try {
    const noted = await changeRecord(store, record, record, (stored) => ({
      next: stored && withSparedMember(stored, command, eventId, instantFromMillis(clock.now())),
      outcome: undefined,
    }));
    return noted.record ?? record;
  } catch (error) {
    onFault(record, error);
    return record;
  }
}
