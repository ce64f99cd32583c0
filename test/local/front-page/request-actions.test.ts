import { expect, it } from 'vitest';
import type { AtKlarna } from '../../../local/front-page/browser/at-klarna.ts';
import type { PaymentRequestRecord } from '../../../local/front-page/browser/record.ts';
import { actionsOn, type Situation } from '../../../local/front-page/browser/request-actions.ts';

const now = Date.parse('2026-03-01T12:00:00Z');

const record: PaymentRequestRecord = {
  account: 'demo',
  payment_request_id: 'krn:payment:eu1:request:1',
  session_id: 'cart-1',
  reference: 'order-1',
  recovered_from: null,
  state: 'SUBMITTED',
  state_reason: null,
  final: false,
  evidence: null,
  deadline_at: '2026-03-01T12:02:00Z',
  timer: 'armed',
  on_timeout: 'cancel',
  extensions: 0,
  cancellation: null,
  confirmation: null,
  confirm_by: null,
  klarna_expires_at: null,
  attention: null,
  version: 1,
  created_at: '2026-03-01T12:00:00Z',
};

const klarnaIn = (state: string, deleted_at?: string): AtKlarna => ({
  payment_request: {
    state,
    expires_at: '2026-03-01T16:00:00Z',
    ...(deleted_at !== undefined && { deleted_at }),
  },
  calls: [],
  deliveries: [],
});

const situation: Situation = {
  record,
  atKlarna: klarnaIn('SUBMITTED'),
  account: { name: 'demo' },
  now,
  newId: 'krn:payment:eu1:request:2',
};

const actions = (change: Partial<Situation>) =>
  actionsOn({ ...situation, ...change }).flatMap((group) => group.actions);

/** The texts of the actions that are not possible. */
const impossible = (change: Partial<Situation>) =>
  actions(change)
    .filter(({ obstacle }) => obstacle !== undefined)
    .map(({ text }) => text);

const extensions = ['Add 30 seconds', 'Add 5 minutes'];

it.each([
  ['SUBMITTED', ['Step back', 'Authorize']],
  ['IN_PROGRESS', ['Open Klarna', 'Authorize']],
  ['COMPLETED', ['Open Klarna', 'Approve', 'Step back', 'Close the window', 'Expire']],
  ['CANCELED', ['Open Klarna', 'Approve', 'Decline', 'Step back', 'Close the window', 'Authorize', 'Expire']],
])('a request that is %s at Klarna allows what the simulator accepts', (state, expected) => {
  expect(impossible({ atKlarna: klarnaIn(state) })).toEqual(expected);
});

it('a request that Klarna has deleted allows nothing of the customer or Klarna', () => {
  const gone = impossible({ atKlarna: klarnaIn('SUBMITTED', '2026-03-01T12:00:00Z') });
  expect(gone).toEqual([
    'Open Klarna',
    'Approve',
    'Decline',
    'Step back',
    'Close the window',
    'Authorize',
    'Expire',
    'Delete',
  ]);
  expect(impossible({ atKlarna: null })).toEqual(gone);
});

it.each([
  ['paid', { state: 'COMPLETED' }, extensions],
  ['ended', { state: 'CANCELED', final: true }, ['Cancel', 'Dry run', 'Report as authorized', ...extensions]],
  ['without a session', { session_id: null }, ['New attempt', 'Cancel the whole session']],
  ['without a deadline', { deadline_at: null }, [...extensions, 'Skip to the deadline']],
  ['past its deadline', { deadline_at: '2026-03-01T12:00:00Z' }, ['Skip to the deadline']],
])('a record that is %s allows what the API accepts', (_, change, expected) => {
  const ofKlarna = ['Step back', 'Authorize'];
  const found = impossible({ record: { ...record, ...change } });
  expect(found.filter((text) => !ofKlarna.includes(text))).toEqual(expected);
});

it('with another Klarna than the simulator there are no actions for the customer, and no new attempt', () => {
  const groups = actionsOn({ ...situation, atKlarna: undefined });
  expect(groups.map(({ legend }) => legend)).toEqual(['Shop', 'Time']);
  expect(impossible({ atKlarna: undefined })).toEqual(['New attempt']);
});

it('the skip to the deadline lets exactly the time pass that is left', () => {
  const skip = actions({ now: now + 500.5 }).find(({ text }) => text === 'Skip to the deadline');
  expect(skip?.calls).toEqual([{ method: 'POST', path: '/control/clock', body: { advanceMs: 119_500 } }]);
});

it('a new attempt creates a request at Klarna and registers it in the same session', () => {
  const attempt = actions({}).find(({ text }) => text === 'New attempt');
  expect(attempt?.calls.map(({ method, path, body }) => [method, path, body])).toEqual([
    ['POST', '/klarna/payment-requests', { payment_request_id: situation.newId, announce: true }],
    [
      'PUT',
      `/api/accounts/demo/payment-requests/${encodeURIComponent(situation.newId)}`,
      { session_timeout: 'PT2M', on_timeout: 'cancel', reference: 'order-1', session_id: 'cart-1' },
    ],
  ]);
});
