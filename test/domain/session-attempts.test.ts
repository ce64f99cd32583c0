import { describe, expect, it } from 'vitest';
import { changesBetween } from '../../functions/domain/changes-between.ts';
import type { SessionId } from '../../functions/domain/identifiers.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import {
  paymentRequestStates,
  type PaymentRequestState,
} from '../../functions/domain/payment-request-state.ts';
import {
  attemptsIn,
  compareAttempts,
  recoveredFrom,
  withComparison,
  withPaidTwice,
  withWatch,
} from '../../functions/domain/session-attempts.ts';
import { applyObservation } from '../../functions/domain/transition.ts';
import { requestId } from '../support/cancel-jobs.ts';
import { observed, recordWith, versioned } from '../support/fixtures.ts';
import { afterNoon, session } from '../support/sessions.ts';

/** An attempt that was registered so many minutes after noon, and reached its state another minute later. */
function attempt(
  number: number,
  state?: PaymentRequestState,
  fields: Partial<PaymentRequest> = {},
): PaymentRequest {
  const registered = recordWith({
    paymentRequestId: requestId(number),
    sessionId: 'cart-1' as SessionId,
    session: { ...session, registeredAt: afterNoon(number) },
    timer: 'armed',
    createdAt: afterNoon(number),
    ...fields,
  });
  const at = `2026-03-01T12:${String(number + 1).padStart(2, '0')}:00Z`;
  return state ? applyObservation(registered, observed(state, at)).record : registered;
}

const supersedes = { session: { ...session, registeredAt: afterNoon(5), supersedes: true } } as const;
const idsOf = (records: readonly PaymentRequest[]) => records.map(({ paymentRequestId }) => paymentRequestId);

describe('compareAttempts', () => {
  it.each(paymentRequestStates)(
    'an attempt that supersedes ends an older one only if it is open: %s',
    (state) => {
      const older = attempt(1, state);
      const newer = attempt(5, 'SUBMITTED', supersedes);
      const { toEnd } = compareAttempts(newer, [older, newer], false);
      const isOpen = state === 'SUBMITTED' || state === 'IN_PROGRESS';
      expect(toEnd.map(({ record }) => record)).toEqual(isOpen ? [older] : []);
      for (const { command } of toEnd)
        expect(command).toMatchObject({
          cause: 'superseded',
          allowCompleted: false,
          reason: newer.paymentRequestId,
        });
    },
  );

  it('an attempt that supersedes ends no newer one, and not itself', () => {
    const [older, self, newer] = [attempt(1), attempt(5, 'SUBMITTED', supersedes), attempt(6)];
    const { toEnd, toWatch } = compareAttempts(self, [older, self, newer], false);
    expect(toEnd.map(({ record }) => record)).toEqual([older]);
    expect(toWatch).toEqual([newer]);
  });

  it('an attempt that supersedes and has itself ended ends no other one', () => {
    const [older, self] = [attempt(1), attempt(5, 'CANCELED', supersedes)];
    expect(compareAttempts(self, [older, self], false).toEnd).toEqual([]);
  });

  it('a paid attempt ends all open ones where the account says so, and else watches them', () => {
    const members = [attempt(1, 'SUBMITTED'), attempt(2, 'COMPLETED'), attempt(3), attempt(4, 'EXPIRED')];
    const [first, paid, third] = members as [PaymentRequest, PaymentRequest, PaymentRequest];
    expect(compareAttempts(paid, members, true).toEnd.map(({ record }) => record)).toEqual([first, third]);
    expect(compareAttempts(paid, members, true).toWatch).toEqual([]);
    expect(compareAttempts(paid, members, false)).toEqual({
      toEnd: [],
      toWatch: [first, third],
      paidTwice: [],
    });
    expect(compareAttempts(first, members, true).toEnd).toEqual([]);
  });

  it('two paid attempts are told in the order of their payments, whatever the order of the records', () => {
    const [late, early] = [attempt(1, 'COMPLETED'), attempt(0, 'COMPLETED')];
    for (const members of [
      [late, early],
      [early, late],
    ])
      expect(compareAttempts(late, members, false).paidTwice).toEqual([early, late]);
    expect(compareAttempts(late, [late, attempt(3, 'DECLINED')], false).paidTwice).toEqual([]);
  });

  it('a session with one attempt asks for nothing', () => {
    for (const endsOthers of [true, false]) {
      const only = attempt(1, 'COMPLETED');
      expect(compareAttempts(only, [only], endsOthers)).toEqual({ toEnd: [], toWatch: [], paidTwice: [] });
    }
  });
});

describe('withPaidTwice', () => {
  const [first, second] = [attempt(1, 'COMPLETED'), attempt(2, 'COMPLETED')];
  const paid = [first, second];

  it('both records of two payments need attention, and only the later one makes the event about both', () => {
    const kinds = paid.map((record) => {
      const next = versioned(withPaidTwice(record, paid, afterNoon(9)) ?? record, record);
      expect(next.attention).toBe('paid_twice');
      return next.changes.map(({ kind }) => kind);
    });
    expect(kinds).toEqual([['needs_attention'], ['needs_attention', 'paid_twice']]);
  });

  it('a record says once that it was paid twice', () => {
    const marked = withPaidTwice(second, paid, afterNoon(9));
    if (!marked) throw new Error('not marked');
    expect(withPaidTwice(marked, paid, afterNoon(10))).toBeUndefined();
    expect(withPaidTwice({ ...marked, attention: undefined }, paid, afterNoon(10))).toBeUndefined();
    expect(changesBetween(marked, marked)).toEqual([]);
  });

  it.each(paymentRequestStates.filter((state) => state !== 'COMPLETED'))(
    'a record that is %s by now was not paid twice',
    (state) => {
      expect(withPaidTwice(attempt(1, state), paid, afterNoon(9))).toBeUndefined();
    },
  );
});

describe('a record of several', () => {
  it('a payment of one of several attempts is to be compared, and due a minute later until it was', () => {
    const open = versioned(withWatch(attempt(1, 'IN_PROGRESS')) ?? attempt(1));
    const paid = versioned(
      applyObservation(open, observed('COMPLETED', '2026-03-01T12:30:00Z')).record,
      open,
    );
    expect(paid).toMatchObject({ isToBeCompared: true, dueAt: afterNoon(1) });
    const compared = versioned(withComparison(paid) ?? paid, paid);
    expect(compared.isToBeCompared).toBeUndefined();
    expect(compared.dueAt).toBeUndefined();
    expect(withComparison(compared)).toBeUndefined();
  });

  it('a payment of the only attempt leaves nothing due', () => {
    const paid = versioned(attempt(1, 'COMPLETED'));
    expect([paid.isToBeCompared, paid.dueAt]).toEqual([undefined, undefined]);
  });

  it('only an open record is watched, and once', () => {
    const watched = withWatch(attempt(1));
    expect(watched?.isOneOfSeveral).toBe(true);
    expect(watched && withWatch(watched)).toBeUndefined();
    expect(withWatch(attempt(1, 'COMPLETED'))).toBeUndefined();
  });
});

it('the attempts of a session are those that are paid and those that can still be', () => {
  const members = [attempt(1, 'COMPLETED'), attempt(2), attempt(3, 'IN_PROGRESS'), attempt(4, 'EXPIRED')];
  expect(attemptsIn(members)).toEqual({ paid: [requestId(1)], open: idsOf(members.slice(1, 3)) });
});

it('a new attempt recovers from the newest one that has ended', () => {
  expect(recoveredFrom([attempt(3, 'EXPIRED'), attempt(1, 'CANCELED'), attempt(4, 'COMPLETED')])).toBe(
    requestId(3),
  );
  expect(recoveredFrom([attempt(1, 'COMPLETED'), attempt(2)])).toBeUndefined();
});
