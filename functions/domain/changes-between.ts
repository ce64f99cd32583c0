import { type Change, changeOf, resolvedChange } from './change.ts';
import { isSecondPayment } from './session-attempts.ts';
import { type HistoryEntry, isWouldCancel } from './history-entry.ts';
import type { PaymentRequest } from './payment-request.ts';

/**
 * The events of one write: one or more for each history entry that is new in it, oldest first. An entry that changes nothing
 * for consumers (a stale webhook, a claim) makes none.
 */
export function changesBetween(before: PaymentRequest | undefined, after: PaymentRequest): readonly Change[] {
  const known = new Set(before?.history.map(({ eventId }) => eventId));
  const changes: Change[] = [];
  let state = before?.state;
  const stateReasonOf = (of: PaymentRequest['state']): string | undefined =>
    [after, before].find((each) => each?.state === of)?.stateReason;
  for (const entry of after.history) {
    if (known.has(entry.eventId)) continue;
    const previousState = after.previousState;
    if (entry.kind === 'register' && entry.effect === 'accepted' && !before?.session) {
      changes.push(
        changeOf('registered', entry, { state, previousState, stateReason: stateReasonOf(state) }),
      );
    }
    if (entry.effect === 'applied' && entry.state !== state) {
      const previous = entry.state === after.state ? (previousState ?? state) : state;
      state = entry.state;
      const stateReason = stateReasonOf(state);
      changes.push(changeOf('state_changed', entry, { state, previousState: previous, stateReason }));
    }
    if (entry.kind === 'cancel_request' && entry.effect === 'refused') {
      changes.push(
        changeOf('cancel_refused', entry, { state, previousState, stateReason: stateReasonOf(state) }),
      );
    }
    if (isWouldCancel(entry)) {
      changes.push(
        changeOf('would_cancel', entry, { state, previousState, stateReason: stateReasonOf(state) }),
      );
    }
    if (entry.kind === 'confirmation') {
      changes.push(changeOf(confirmationChange(entry), entry, { state, previousState }));
    }
    if (entry.attention) {
      changes.push({
        ...changeOf('needs_attention', entry, { state, previousState, stateReason: stateReasonOf(state) }),
        attention: entry.attention,
      });
    }
    if (entry.kind === 'resolve') {
      changes.push(resolvedChange(entry, { state, previousState, stateReason: stateReasonOf(state) }));
    }
    if (isSecondPayment(entry))
      changes.push(
        changeOf('paid_twice', entry, { state, previousState, stateReason: stateReasonOf(state) }),
      );
  }
  return changes;
}

/** The event of an entry about the authorization: it was reported, or the sweep found that it was not. */
export const confirmationChange = ({ effect }: Pick<HistoryEntry, 'effect'>) =>
  effect === 'accepted' ? 'authorized' : 'not_authorized';
