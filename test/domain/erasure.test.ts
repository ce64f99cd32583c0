import { describe, expect, it } from 'vitest';
import { outcomeFromRecord } from '../../functions/domain/cancellation.ts';
import { withAuthorization } from '../../functions/domain/confirmation.ts';
import { decideErasure } from '../../functions/domain/erasure.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { paymentRequestStates } from '../../functions/domain/payment-request-state.ts';
import { parseSessionId } from '../../functions/domain/identifiers.ts';
import { applyObservation, isStaleForGood, isUnread, judge } from '../../functions/domain/transition.ts';
import { isAuthorizedUnread } from '../../functions/domain/unread-authorization.ts';
import { noon, observed, versioned } from '../support/fixtures.ts';
import { afterNoon, cancellationWith, register, registered } from '../support/sessions.ts';

const paid = (): PaymentRequest => {
  const { next } = register(undefined, {
    sessionId: parseSessionId('cart of Anna'),
    reference: 'order of Anna',
  });
  if (!next) throw new Error('not registered');
  return versioned(applyObservation(versioned(next), observed('COMPLETED', '2026-03-01T12:05:00Z')).record);
};

const tombstone = (): PaymentRequest => {
  const { tombstone: stored } = decideErasure(paid(), [], afterNoon(60));
  if (!stored) throw new Error('not erased');
  return stored;
};

describe('decideErasure', () => {
  it('a tombstone has the key, the state and its position, and nothing that a caller gave', () => {
    const before = paid();
    const { tombstone: stored, outcome } = decideErasure(before, [], afterNoon(60));
    expect(outcome).toBe('erased');
    expect(JSON.stringify(stored)).not.toMatch(/Anna|arn:|PT30M/);
    expect(stored).toMatchObject({
      paymentRequestId: before.paymentRequestId,
      state: 'COMPLETED',
      position: before.position,
      version: before.version + 1,
      sequence: before.sequence,
      changes: [],
      history: [],
      erasedAt: afterNoon(60),
    });
    expect(stored?.dueAt).toBeUndefined();
  });

  it('an open request is not erased, nor one whose cancel has no known end', () => {
    expect(decideErasure(registered({ state: 'SUBMITTED' }), [], noon)).toEqual({ outcome: 'open' });
    expect(decideErasure(registered(), [], noon)).toEqual({ outcome: 'open' });
    const unsettled = registered({ state: 'COMPLETED', cancellation: cancellationWith() });
    expect(decideErasure(unsettled, [], noon)).toEqual({ outcome: 'unsettled' });
  });

  it('the payment of a session stays while another request of it is open, or their payments are not compared', () => {
    const others = [registered({ state: 'IN_PROGRESS' }), registered({ state: undefined })];
    for (const other of [...others, { ...paid(), isToBeCompared: true as const }]) {
      expect(decideErasure(paid(), [paid(), other], afterNoon(60))).toEqual({ outcome: 'session_open' });
    }
    const compared = { ...paid(), isToBeCompared: true as const };
    expect(decideErasure(compared, [], afterNoon(60))).toEqual({ outcome: 'session_open' });
    expect(decideErasure(paid(), [paid(), registered({ state: 'EXPIRED' })], noon).outcome).toBe('erased');
    const canceled = registered({ state: 'CANCELED' });
    expect(decideErasure(canceled, [registered()], noon).outcome).toBe('erased');
  });

  it('a payment stays until the watch knows of its authorization, or found that it lapsed', () => {
    const watched = (confirmation: PaymentRequest['confirmation']) =>
      decideErasure({ ...paid(), confirmation }, [], afterNoon(600)).outcome;
    const alertAfter = 2_700_000;
    expect(watched({ alertAfter })).toBe('unsettled');
    expect(watched({ alertAfter, alertedAt: afterNoon(50) })).toBe('unsettled');
    expect(watched({ alertAfter, alertedAt: afterNoon(50), lapsedAt: afterNoon(65) })).toBe('erased');
    expect(watched({ alertAfter, authorizedAt: afterNoon(6) })).toBe('erased');
    expect(watched({ authorizedAt: afterNoon(6) })).toBe('erased');
    expect(watched(undefined)).toBe('erased');
  });

  it('a tombstone is not erased again', () => {
    expect(decideErasure(tombstone(), [], afterNoon(90))).toEqual({ outcome: 'already_erased' });
  });
});

describe('a tombstone', () => {
  it.each(paymentRequestStates)(
    'a late webhook that says %s changes nothing, with or without a read',
    (state) => {
      for (const time of ['2026-03-01T11:00:00Z', '2026-03-01T12:05:00Z', '2026-03-02T12:00:00Z']) {
        const late = observed(state, time, { eventId: `late-${state}-${time}` as never });
        expect(judge(tombstone(), late)).toBe('duplicate');
        expect(applyObservation(tombstone(), late).record).toEqual(tombstone());
        expect([isUnread(tombstone(), late), isStaleForGood(tombstone(), late)]).toEqual([false, false]);
      }
    },
  );

  it('a cancel is refused without a claim, also where the caller allows a paid request to be canceled', () => {
    const command = { cause: 'api', requestedBy: 'test', allowCompleted: true } as const;
    expect(outcomeFromRecord(tombstone(), command, afterNoon(61))).toEqual({
      kind: 'already_final',
      state: 'COMPLETED',
    });
  });

  it('a report that the payment is authorized changes nothing, with or without a read', () => {
    const report = {
      eventId: 'late' as never,
      source: 'webhook',
      at: noon,
      reportedAt: noon,
      proof: {},
    } as const;
    expect(withAuthorization(tombstone(), report)).toBeUndefined();
    expect(isAuthorizedUnread(tombstone(), report)).toBe(false);
  });

  it('a registration is refused', () => {
    const decision = register(tombstone(), { reference: 'order of Anna' });
    expect(decision.outcome).toEqual({ kind: 'already_final', state: 'COMPLETED' });
  });
});
