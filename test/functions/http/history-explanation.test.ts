import { describe, expect, it } from 'vitest';
import type { HistoryEntry } from '../../../functions/domain/history-entry.ts';
import type { EventId } from '../../../functions/domain/identifiers.ts';
import type { Position } from '../../../functions/domain/observation.ts';
import type { Attention } from '../../../functions/domain/attention.ts';
import { explanationOf } from '../../../functions/http/history-explanation.ts';
import { at, noon } from '../../support/fixtures.ts';

const entryWith = (fields: Partial<HistoryEntry>): HistoryEntry => ({
  eventId: 'e1' as EventId,
  kind: 'webhook',
  recordedAt: noon,
  effect: 'noted',
  detail: {},
  ...fields,
});

const against = '1|2026-03-01T11:59:59.500000000Z|evt|1' as Position;
const met = '2026-03-01T11:59:59.5Z (evt|1)';
const known = entryWith({ eventId: 'evt|1' as EventId, state: 'COMPLETED', effect: 'applied' });
const told = (fields: Partial<HistoryEntry>, winner = known) =>
  explanationOf(entryWith(fields), [winner, entryWith(fields)]);

describe('the explanation of a state that Klarna reported', () => {
  const said = { state: 'CANCELED', against } as const;

  it.each<[string, Partial<HistoryEntry>]>([
    ["Klarna's webhook reported CANCELED. The record now has this state.", { ...said, effect: 'applied' }],
    [
      'Klarna reported CANCELED. The record now has this state.',
      { ...said, kind: 'read', effect: 'applied' },
    ],
    [
      `Klarna responded to the cancel with CANCELED. No change: the record is already COMPLETED since ${met}.`,
      { ...said, kind: 'cancel', effect: 'confirming' },
    ],
    [
      `Klarna's webhook reported EXPIRED. No change: it contradicts the record, which is already COMPLETED since ${met}.`,
      { against, state: 'EXPIRED', effect: 'contradicting' },
    ],
    [
      "Klarna's webhook reported CANCELED. No change: the record had this or a later state.",
      { state: 'CANCELED', effect: 'confirming' },
    ],
    [
      'Klarna no longer has the request. After its expiry that means EXPIRED. The record now has this state.',
      { kind: 'not_found', state: 'EXPIRED', effect: 'applied' },
    ],
  ])('an explanation of a reported state is: %s', (words, fields) => {
    expect(told(fields)).toBe(words);
  });
});

describe('the explanation of a state that was ignored', () => {
  const times = { earlier: at('2026-03-01T11:59:59Z'), same: at('2026-03-01T11:59:59.5Z') };
  const ranked = (rank: number, id = 'evt|1') =>
    against.replace('1|', `${rank}|`).replace('evt|1', id) as Position;

  it.each<[string, Partial<HistoryEntry>]>([
    [`the record is already COMPLETED since ${met}`, { state: 'IN_PROGRESS', occurredAt: noon, against }],
    [`COMPLETED of ${met} is newer`, { state: 'SUBMITTED', occurredAt: times.earlier, against: ranked(0) }],
    [
      'COMPLETED (evt|1) has the same timestamp; the higher event ID wins',
      { state: 'SUBMITTED', occurredAt: times.same, against: ranked(0) },
    ],
    [
      'the record is already COMPLETED since 2026-03-01T11:59:59.5Z (gone)',
      { state: 'SUBMITTED', occurredAt: noon, against: ranked(1, 'gone') },
    ],
    [
      'the record is already final since 2026-03-01T11:59:59.5Z (gone)',
      { state: 'SUBMITTED', occurredAt: noon, against: ranked(2, 'gone') },
    ],
    [
      'the known state of 2026-03-01T11:59:59.5Z (gone) is newer',
      { state: 'SUBMITTED', occurredAt: times.earlier, against: ranked(0, 'gone') },
    ],
    [
      'its time is in the far future, so every other open state counts for more',
      { state: 'SUBMITTED', occurredAt: at('1970-01-01T00:00:00Z'), against: ranked(0) },
    ],
    [
      'COMPLETED of an unknown time (evt|1) is newer',
      {
        state: 'SUBMITTED',
        occurredAt: noon,
        against: '0|1970-01-01T00:00:00.000000000Z|evt|1' as Position,
      },
    ],
    ['the record had something newer', { against }],
    ['the record had something newer', { state: 'SUBMITTED', occurredAt: noon }],
  ])('an explanation of an ignored state ends with: %s', (why, fields) => {
    const state = fields.state ?? 'a state that this version does not know';
    expect(told({ ...fields, effect: 'stale' })).toBe(`Klarna's webhook reported ${state}. Ignored: ${why}.`);
  });

  it('the explanation of an ignored state says that the record is final', () => {
    const canceled = { ...known, state: 'CANCELED' } as const;
    expect(
      told(
        { kind: 'read', effect: 'stale', state: 'IN_PROGRESS', occurredAt: noon, against: ranked(2) },
        canceled,
      ),
    ).toBe(`Klarna reported IN_PROGRESS. Ignored: the record is already CANCELED (final) since ${met}.`);
  });

  it("an explanation shows Klarna's times as Klarna wrote them", () => {
    const nanos = against.replace('.500000000', '.123456789') as Position;
    expect(told({ state: 'IN_PROGRESS', effect: 'stale', against: nanos })).toContain(
      '59.123456789Z (evt|1)',
    );
  });
});

describe('the explanation of a response without a state', () => {
  it.each<[string, Partial<HistoryEntry>]>([
    [
      'Lapse sent the cancel to Klarna. Klarna gave no clear response (HTTP 500).',
      { kind: 'cancel', detail: { response: 'unclear', status: '500' } },
    ],
    [
      'Lapse sent the cancel to Klarna. Klarna gave no clear response.',
      { kind: 'cancel', detail: { response: 'unclear', error: 'TimeoutError' } },
    ],
    [
      'Lapse sent the cancel to Klarna. Klarna refused the call (HTTP 409).',
      { kind: 'cancel', detail: { response: 'refused', status: '409' } },
    ],
    [
      'Lapse sent the cancel to Klarna. Klarna reported SUBMITTED (HTTP 202).',
      { kind: 'cancel', detail: { response: 'payment_request', state: 'SUBMITTED', status: '202' } },
    ],
    [
      "Lapse sent the cancel to Klarna. Klarna refused the account's credentials (HTTP 403).",
      { kind: 'cancel', detail: { response: 'denied', status: '403' } },
    ],
    [
      'Lapse asked Klarna for the state. Klarna refused the call because of its rate limit (HTTP 429).',
      { kind: 'read', detail: { response: 'rate_limited', status: '429' } },
    ],
    [
      'Lapse asked Klarna for the state. Klarna reported a state that this version does not know (HTTP 200).',
      { kind: 'read', detail: { response: 'unknown_state', status: '200', state: 'PAUSED' } },
    ],
    [
      'Lapse asked Klarna for the state. Klarna does not know the request (HTTP 404).',
      { kind: 'read', detail: { response: 'not_found', status: '404' } },
    ],
    [
      "Lapse asked Klarna for the state. Klarna's response: of-newer-code.",
      { kind: 'read', detail: { response: 'of-newer-code' } },
    ],
    ["Lapse asked Klarna for the state. Klarna's response: unknown.", { kind: 'read' }],
  ])('an explanation of a response without a state is: %s', (words, fields) => {
    expect(told(fields)).toBe(words);
  });
});

describe('the explanation of an entry that needs attention', () => {
  it.each<[string, Partial<HistoryEntry>]>([
    [
      'The record now has this state. A person must look: the customer approved at the time of the end or after it.',
      { state: 'CANCELED', effect: 'applied', attention: 'contradiction' },
    ],
    [
      'The record now has this state. A person must look: the customer had approved the payment before the cancel.',
      { state: 'CANCELED', effect: 'applied', attention: 'canceled_after_completed' },
    ],
    [
      'had something newer. A person must look: the customer had approved the payment before the cancel.',
      { state: 'COMPLETED', effect: 'stale', attention: 'canceled_after_completed' },
    ],
    [
      'A person must look: the customer approved at the time of the end or after it.',
      { state: 'COMPLETED', effect: 'contradicting', attention: 'contradiction' },
    ],
    [
      'A person must look: a request can end only once.',
      { state: 'EXPIRED', effect: 'contradicting', attention: 'contradiction' },
    ],
    [
      'Klarna does not know the request (HTTP 404). A person must look: the request has not expired, so its id or its account may be wrong.',
      { kind: 'read', attention: 'not_found', detail: { response: 'not_found', status: '404' } },
    ],
    [
      "The cancel is not done: Klarna refused the account's credentials. The sweep tries again. A person must look: correct the account's credentials.",
      { kind: 'cancel_request', attention: 'klarna_denied', detail: { conclusion: 'denied' } },
    ],
    [
      'The sweep asks again. A person must look: a newer version of Lapse may know the state.',
      { kind: 'cancel_request', attention: 'unknown_state', detail: { conclusion: 'unknown_state' } },
    ],
    [
      'Nothing was canceled: the request was paid or had ended. A person must look.',
      {
        kind: 'timer',
        attention: 'of_newer_code' as string as Attention,
        detail: { outcome: 'spared' },
      },
    ],
  ])('an explanation that needs attention ends with: %s', (words, fields) => {
    expect(told(fields).endsWith(words)).toBe(true);
  });
});

describe('the explanation of an action of Lapse or of a caller', () => {
  const requested_by = 'role/checkout';

  it.each<[string, Partial<HistoryEntry>]>([
    [
      'role/checkout registered the session. Its deadline is 12:20. Observe only.',
      {
        kind: 'register',
        effect: 'accepted',
        detail: { requested_by, deadline_at: '12:20', on_timeout: 'observe' },
      },
    ],
    [
      'arn:aws:iam::111122223333:role/checkout registered the session. Its deadline is 12:20.',
      {
        kind: 'register',
        effect: 'accepted',
        detail: { requested_by: 'arn:aws:iam::111122223333:role/checkout', deadline_at: '12:20' },
      },
    ],
    [
      'role/checkout asked to register the session. Refused: the request is paid or has ended.',
      { kind: 'register', effect: 'refused', detail: { requested_by, refused: 'already_final' } },
    ],
    [
      'role/checkout moved the deadline to 12:30.',
      { kind: 'extend', effect: 'accepted', detail: { requested_by, deadline_at: '12:30' } },
    ],
    [
      'role/checkout asked to move the deadline. Refused: the limit of extensions is reached.',
      { kind: 'extend', effect: 'refused', detail: { requested_by, refused: 'extension_limit' } },
    ],
    [
      'role/checkout asked to move the deadline. Refused: of-newer-code.',
      { kind: 'extend', effect: 'refused', detail: { requested_by, refused: 'of-newer-code' } },
    ],
    [
      'Lapse asked Klarna to let the request expire at 12:20. Klarna refused.',
      { kind: 'klarna_expiry', effect: 'refused', detail: { expires_at: '12:20', outcome: 'refused' } },
    ],
    [
      "Lapse asked Klarna to let the request expire at 12:20. Klarna refused. The deadline is now Klarna's expiry, 12:10.",
      {
        kind: 'klarna_expiry',
        effect: 'refused',
        detail: { expires_at: '12:20', outcome: 'refused', deadline_at: '12:10' },
      },
    ],
    [
      'Lapse asked Klarna to let the request expire at 12:20. Klarna accepted.',
      { kind: 'klarna_expiry', effect: 'accepted', detail: { expires_at: '12:20', outcome: 'accepted' } },
    ],
    [
      'Lapse asked Klarna to let the request expire at 12:20. Klarna gave no clear response.',
      { kind: 'klarna_expiry', detail: { expires_at: '12:20', outcome: 'unknown' } },
    ],
    [
      'role/checkout requested the cancel (basket emptied). Lapse reads the state at Klarna, and cancels if it is open.',
      { kind: 'cancel_request', effect: 'accepted', detail: { requested_by, reason: 'basket emptied' } },
    ],
    [
      'The deadline passed, so lapse:timer requested the cancel. Lapse reads the state at Klarna, and cancels if it is open.',
      {
        kind: 'cancel_request',
        effect: 'accepted',
        detail: { requested_by: 'lapse:timer', cause: 'timeout' },
      },
    ],
    [
      'lapse:sweep continued the cancel that role/checkout had requested (basket emptied). Lapse reads the state at Klarna, and cancels if it is open.',
      {
        kind: 'cancel_request',
        effect: 'accepted',
        detail: { requested_by, cause: 'timeout', reason: 'basket emptied', carried_on_by: 'lapse:sweep' },
      },
    ],
    [
      'role/checkout requested the cancel. Refused: the request was COMPLETED.',
      { kind: 'cancel_request', effect: 'refused', state: 'COMPLETED', detail: { requested_by } },
    ],
    [
      'role/checkout requested the cancel. Refused: the request was paid or had ended.',
      { kind: 'cancel_request', effect: 'refused', detail: { requested_by } },
    ],
    [
      'role/checkout requested the cancel. Another cancel was already in progress.',
      { kind: 'cancel_request', detail: { requested_by, outcome: 'pending' } },
    ],
    [
      'The deadline passed, so role/checkout requested the cancel. Nothing was done: the session has more time now, or is in observe mode.',
      { kind: 'cancel_request', detail: { requested_by, cause: 'timeout', outcome: 'not_over' } },
    ],
    [
      'role/checkout requested the cancel. It was for the whole session. This request was not canceled: the request was EXPIRED.',
      { kind: 'cancel_request', state: 'EXPIRED', detail: { requested_by, outcome: 'spared' } },
    ],
    [
      'role/checkout requested the cancel. The request was already canceled.',
      { kind: 'cancel_request', effect: 'noted', detail: { requested_by } },
    ],
    [
      'The cancel had no effect: the request was DECLINED.',
      { kind: 'cancel_request', effect: 'refused', state: 'DECLINED', detail: { outcome: 'refused' } },
    ],
    [
      'The cancel had no effect: the request was paid or had ended.',
      { kind: 'cancel_request', effect: 'refused', detail: { outcome: 'refused' } },
    ],
    [
      'The cancel is not done: the customer is paying and got extra time, once.',
      { kind: 'cancel_request', detail: { outcome: 'in_progress_grace', conclusion: 'grace' } },
    ],
    [
      'The cancel is not done: Klarna gave no clear response. The sweep asks again.',
      { kind: 'cancel_request', detail: { outcome: 'pending', conclusion: 'unknown' } },
    ],
    [
      'The deadline passed. Lapse would have canceled the request, but the session is in observe mode.',
      { kind: 'timer', detail: { outcome: 'would_cancel' } },
    ],
    [
      'The deadline passed. Nothing was canceled: the request was COMPLETED.',
      { kind: 'timer', state: 'COMPLETED', detail: { outcome: 'spared' } },
    ],
    [
      'The timer fired before the deadline, 12:30. It was set again.',
      { kind: 'timer', detail: { outcome: 'not_yet', deadline_at: '12:30' } },
    ],
    [
      'The sweep asked Klarna about the unknown time that e7 raised. The entry before this one has its response. The record says IN_PROGRESS.',
      {
        kind: 'sweep',
        state: 'IN_PROGRESS',
        detail: { looked_into: 'time', raised_by: 'e7', response: 'refreshed' },
      },
    ],
    [
      'The sweep asked Klarna about the tie that e7 raised. The entry before this one has its response. The record says IN_PROGRESS.',
      {
        kind: 'sweep',
        state: 'IN_PROGRESS',
        detail: { looked_into: 'tie', raised_by: 'e7', response: 'refreshed' },
      },
    ],
    [
      'The sweep asked Klarna about the contradiction that e7 raised. Klarna does not know the request. The record has no state.',
      { kind: 'sweep', detail: { looked_into: 'contradiction', raised_by: 'e7', response: 'not_found' } },
    ],
  ])('an explanation of an action is: %s', (words, fields) => {
    expect(told(fields)).toBe(words);
  });
});
