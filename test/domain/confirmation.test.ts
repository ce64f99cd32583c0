import { describe, expect, it } from 'vitest';
import {
  type AuthorizationReport,
  confirmationOf,
  confirmByOf,
  isAlertAfter,
  sessionPartOf,
  withAuthorization,
  withoutAuthorization,
  withAuthorizationWatch,
} from '../../functions/domain/confirmation.ts';
import { changesBetween } from '../../functions/domain/changes-between.ts';
import { carryOn, claimed, hasLeave, outcomeFromRecord } from '../../functions/domain/cancellation.ts';
import { dueAtOf, workOf } from '../../functions/domain/due.ts';
import type { EventId } from '../../functions/domain/identifiers.ts';
import { plusMillis } from '../../functions/domain/instant.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { applyObservation } from '../../functions/domain/transition.ts';
import { authorizedVersion, isAuthorizedUnread } from '../../functions/domain/unread-authorization.ts';
import { at, noon, observed, recordWith, versioned } from '../support/fixtures.ts';
import { afterNoon, minute, registered } from '../support/sessions.ts';

const report = (fields: Partial<AuthorizationReport> = {}): AuthorizationReport => ({
  eventId: 'authorized-1' as EventId,
  source: 'webhook',
  at: afterNoon(2),
  reportedAt: afterNoon(3),
  proof: { event_type: 'payment.transaction.state-change.authorized' },
  ...fields,
});

const watch = { watchAuthorization: true, authorizationAlertAfter: 45 * minute };

/** A session that the customer approved at noon, in an account that watches. */
const approved = (fields: Partial<PaymentRequest> = {}): PaymentRequest =>
  applyObservation(
    registered({ confirmation: { alertAfter: 45 * minute }, ...fields }),
    observed('COMPLETED'),
  ).record;

const authorizedIn = (record: PaymentRequest, fields?: Partial<AuthorizationReport>): PaymentRequest => {
  const next = withAuthorization(record, report(fields));
  if (!next) throw new Error('not authorized');
  return next;
};

/** The record after the sweep has looked at it at these minutes. */
const lookedAt = (record: PaymentRequest, minutes: readonly number[], cancels = false): PaymentRequest =>
  minutes.reduce((known, each) => {
    const next = withoutAuthorization(known, cancels, afterNoon(each));
    return next ? versioned(next, known, afterNoon(each)) : known;
  }, record);

describe('where a payment stands', () => {
  it('an open request has no confirmation, and an approved one awaits it for an hour', () => {
    expect(confirmationOf(registered(), noon)).toBeUndefined();
    expect([confirmationOf(approved(), noon), confirmByOf(approved())]).toEqual(['awaiting', afterNoon(60)]);
  });

  it('an approved payment is lapsed from the first moment after the hour, if the account watches it', () => {
    const before = plusMillis(afterNoon(60), -1);
    expect(confirmationOf(approved(), before)).toBe('awaiting');
    expect(confirmationOf(approved(), afterNoon(60))).toBe('lapsed');
    expect(sessionPartOf(approved(), before)).toEqual({ state: 'COMPLETED', isLapsed: false });
    expect(sessionPartOf(approved(), afterNoon(60))).toEqual({ state: 'COMPLETED', isLapsed: true });
  });

  it('without the watch an approved payment awaits its authorization for good, and stays paid', () => {
    const record = approved({ confirmation: undefined });
    expect(confirmationOf(record, afterNoon(10_000))).toBe('awaiting');
    expect(sessionPartOf(record, afterNoon(10_000)).isLapsed).toBe(false);
    expect(workOf(record)).toEqual([]);
  });

  it('a token needs no authorization, before the approval and after it', () => {
    expect(confirmationOf(registered({ purpose: 'token' }), noon)).toBe('not_needed');
    const record = approved({ purpose: 'token' });
    expect([confirmationOf(record, afterNoon(61)), confirmByOf(record), workOf(record)]).toEqual([
      'not_needed',
      undefined,
      [],
    ]);
  });

  it('a request that ended awaits nothing', () => {
    const ended = applyObservation(approved(), observed('DECLINED', '2026-03-01T12:05:00Z')).record;
    expect([confirmationOf(ended, afterNoon(61)), confirmByOf(ended), workOf(ended)]).toEqual([
      undefined,
      undefined,
      [],
    ]);
  });

  it('the hour begins with the earliest approval that the facts tell, in any order', () => {
    const facts = [
      observed('COMPLETED', '2026-03-01T12:10:00Z', { source: 'read', eventId: 'read:1' as EventId }),
      observed('COMPLETED', '2026-03-01T12:00:00Z'),
      observed('COMPLETED', '2026-03-01T12:30:00Z', { eventId: 'updated' as EventId }),
    ];
    const orders = [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ];
    for (const order of orders) {
      let record = registered();
      for (const index of order) {
        const fact = facts[index];
        if (fact) ({ record } = applyObservation(record, fact));
      }
      expect(confirmByOf(record), order.join()).toBe(afterNoon(60));
    }
  });
});

describe('a report of an authorization', () => {
  it('a report makes the payment authorized, and one event', () => {
    const record = approved();
    const next = authorizedIn(record);
    expect(next.confirmation).toEqual({
      alertAfter: 45 * minute,
      authorizedAt: afterNoon(2),
      authorizedBy: 'webhook',
    });
    expect(changesBetween(record, next)).toMatchObject([{ kind: 'authorized', eventId: 'authorized-1' }]);
    expect([confirmationOf(next, afterNoon(90)), workOf(next)]).toEqual(['authorized', []]);
  });

  it('a second report and a repeated one change nothing', () => {
    const next = authorizedIn(approved());
    expect(withAuthorization(next, report())).toBeUndefined();
    expect(withAuthorization(next, report({ eventId: 'api' as EventId, source: 'api' }))).toBeUndefined();
  });

  it('a report before COMPLETED, after the alert and after the lapse makes the same of the payment', () => {
    const early = applyObservation(
      authorizedIn(registered({ confirmation: { alertAfter: 45 * minute } })),
      observed('COMPLETED'),
    ).record;
    const late = [[45], [45, 60], [61]].map((minutes) => authorizedIn(lookedAt(approved(), minutes)));
    for (const record of [early, ...late]) {
      expect(confirmationOf(record, afterNoon(90))).toBe('authorized');
      expect([record.attention, workOf(record)]).toEqual([undefined, []]);
    }
  });

  it('a report leaves an attention of another kind', () => {
    expect(authorizedIn(approved({ attention: 'contradiction' })).attention).toBe('contradiction');
  });

  it('a report can be written without a read only where nothing else follows from it', () => {
    expect(isAuthorizedUnread(approved({ confirmation: undefined }), report())).toBe(true);
    expect(isAuthorizedUnread(approved(), report())).toBe(false);
    expect(
      isAuthorizedUnread(approved({ confirmation: undefined, attention: 'contradiction' }), report()),
    ).toBe(false);
    expect(isAuthorizedUnread(authorizedIn(approved({ confirmation: undefined })), report())).toBe(false);
    expect(isAuthorizedUnread(recordWith({ version: 0 }), report())).toBe(false);
  });

  it('a version without a read is the version that a read would have made', () => {
    const record = versioned(approved({ confirmation: undefined }));
    const read = versioned(authorizedIn(record), record, afterNoon(3));
    expect(authorizedVersion(record, report())).toEqual({ ...read, writes: record.writes });
  });
});

describe('the watch', () => {
  it('the watch is noted and taken off while the payment can still be one', () => {
    const noted = withAuthorizationWatch(registered(), watch);
    expect(noted.confirmation).toEqual({ alertAfter: 45 * minute });
    expect(withAuthorizationWatch(noted, watch)).toBe(noted);
    expect(withAuthorizationWatch(noted, { watchAuthorization: false }).confirmation).toBeUndefined();
    const ended = registered({ state: 'EXPIRED' });
    expect(withAuthorizationWatch(ended, watch)).toBe(ended);
    const authorized = authorizedIn(registered());
    expect(withAuthorizationWatch(authorized, watch)).toBe(authorized);
  });

  it('an approved payment is due at the alert, then when it lapses, and then not any more', () => {
    const record = versioned(approved());
    expect(dueAtOf(record)).toBe(afterNoon(45));
    expect(withoutAuthorization(record, false, plusMillis(afterNoon(45), -1))).toBeUndefined();
    const alerted = lookedAt(record, [45]);
    expect([alerted.attention, alerted.confirmation?.lapsedAt, alerted.dueAt]).toEqual([
      'not_authorized',
      undefined,
      afterNoon(60),
    ]);
    expect(alerted.changes.map(({ kind }) => kind)).toEqual(['not_authorized', 'needs_attention']);
    const lapsed = lookedAt(alerted, [60]);
    expect([lapsed.state, lapsed.confirmation?.lapsedAt, lapsed.dueAt]).toEqual([
      'COMPLETED',
      afterNoon(60),
      undefined,
    ]);
    expect(lapsed.changes.map(({ kind }) => kind)).toEqual(['not_authorized']);
    expect(withoutAuthorization(lapsed, false, afterNoon(61))).toBeUndefined();
  });

  it('a COMPLETED that comes after the hour lapses with one alert', () => {
    const lapsed = lookedAt(approved(), [70]);
    expect([lapsed.attention, lapsed.confirmation?.lapsedAt]).toEqual(['not_authorized', afterNoon(70)]);
    expect(lapsed.changes.map(({ kind }) => kind)).toEqual(['not_authorized', 'needs_attention']);
  });

  it('a payment with another attention keeps it, and is told all the same', () => {
    const alerted = lookedAt(approved({ attention: 'contradiction' }), [45]);
    expect(alerted.attention).toBe('contradiction');
    expect(alerted.changes.map(({ kind }) => kind)).toEqual(['not_authorized']);
  });

  it('a lapsed payment is canceled only if the account wants that and the alert came in time', () => {
    expect(lookedAt(approved(), [45, 60], true).cancellation).toMatchObject({
      outcome: 'pending',
      cause: 'sweep',
      reason: 'not_authorized',
      allowCompleted: true,
    });
    expect(lookedAt(approved(), [45, 60]).cancellation).toBeUndefined();
    expect(lookedAt(approved(), [61], true).cancellation).toBeUndefined();
    expect(lookedAt(approved(), [45], true).cancellation).toBeUndefined();
  });

  it('the cancel of a lapsed payment remembers an earlier DELETE, and that it had no leave', () => {
    const before = {
      outcome: 'refused',
      cause: 'timeout',
      requestedBy: 'lapse:session-timer',
      requestedAt: noon,
      allowCompleted: false,
      sentBefore: true,
    } as const;
    expect(lookedAt(approved({ cancellation: before }), [45, 60], true).cancellation).toMatchObject({
      outcome: 'pending',
      sentBefore: true,
      sentWithoutLeave: true,
    });
  });

  it('a report ends the cancel of a lapsed payment that no attempt has begun', () => {
    const wanted = lookedAt(approved(), [45, 60], true);
    expect(authorizedIn(wanted).cancellation?.outcome).toBe('refused');
  });

  it('an attempt that has begun has no leave once the payment is authorized', () => {
    const wanted = lookedAt(approved(), [45, 60], true);
    if (!wanted.cancellation) throw new Error('no cancel');
    const command = carryOn(wanted.cancellation, 'lapse:sweep');
    expect(hasLeave(command, wanted)).toBe(true);
    const held = authorizedIn(claimed(wanted, command, 'lease', afterNoon(60)));
    expect([held.cancellation?.outcome, hasLeave(command, held)]).toEqual(['claimed', false]);
    expect(outcomeFromRecord(authorizedIn(wanted), command, afterNoon(61))).toEqual({
      kind: 'already_final',
      state: 'COMPLETED',
    });
    expect(hasLeave({ allowCompleted: true, cause: 'api' }, held)).toBe(true);
  });

  it.each(['the report first', 'the end first'])(
    'an authorized payment that the watch canceled needs a person, with %s',
    (order) => {
      const wanted = lookedAt(approved(), [45, 60], true);
      if (!wanted.cancellation) throw new Error('no cancel');
      const held = claimed(wanted, carryOn(wanted.cancellation, 'lapse:sweep'), 'lease', afterNoon(60));
      const end = observed('CANCELED', '2026-03-01T13:00:01Z');
      const record =
        order === 'the report first'
          ? applyObservation(authorizedIn(held), end).record
          : authorizedIn(applyObservation(held, end).record);
      expect([record.state, record.attention]).toEqual(['CANCELED', 'canceled_after_completed']);
    },
  );

  it.each([
    [59_999, false],
    [60_000, true],
    [45 * minute, true],
    [59 * minute, true],
    [59 * minute + 1, false],
  ])('an alert after %i ms is allowed: %s', (millis, isAllowed) => {
    expect(isAlertAfter(millis)).toBe(isAllowed);
  });

  it('the hour is counted by the clock of Klarna, also where that is ahead', () => {
    const ahead = at('2026-03-01T12:00:30Z');
    const record = applyObservation(
      registered(),
      observed('COMPLETED', '2026-03-01T12:00:30Z', { observedAt: noon }),
    );
    expect(confirmByOf(record.record)).toBe(plusMillis(ahead, 60 * minute));
  });
});
