import { describe, expect, it } from 'vitest';
import type { EventId } from '../../../functions/domain/identifiers.ts';
import type { Position } from '../../../functions/domain/observation.ts';
import type { Attention, HistoryEntry } from '../../../functions/domain/payment-request.ts';
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
const told = (fields: Partial<HistoryEntry>) => explanationOf(entryWith(fields), [known, entryWith(fields)]);

describe('a fact of Klarna', () => {
  const said = { state: 'CANCELED', against } as const;

  it.each<[string, Partial<HistoryEntry>]>([
    ["Klarna's webhook says CANCELED, which became the state of the record", { ...said, effect: 'applied' }],
    [
      `Klarna answered our cancel with CANCELED, which changed nothing: it says the same as COMPLETED of ${met}`,
      { ...said, kind: 'cancel', effect: 'confirming' },
    ],
    [
      `Klarna's webhook says EXPIRED, which changed no state: it contradicts COMPLETED of ${met}, which came first and stays`,
      { against, state: 'EXPIRED', effect: 'contradicting' },
    ],
    [
      'Klarna does not know the request any more, which after its expiry means EXPIRED, which became the state of the record',
      { kind: 'not_found', state: 'EXPIRED', effect: 'applied' },
    ],
  ])('%s', (words, fields) => {
    expect(told(fields)).toBe(words);
  });
});

describe('a fact that lost says against which, and why', () => {
  const times = { earlier: at('2026-03-01T11:59:59Z'), same: at('2026-03-01T11:59:59.5Z') };
  const open = `0${against.slice(1)}` as Position;

  it.each<[string, Partial<HistoryEntry>]>([
    [
      `COMPLETED of ${met} outranks it, whatever their times`,
      { state: 'IN_PROGRESS', occurredAt: noon, against },
    ],
    [`COMPLETED of ${met} is later`, { state: 'SUBMITTED', occurredAt: times.earlier, against: open }],
    [
      `COMPLETED of ${met} is of the same time, and of two event ids the greater one decides`,
      { state: 'SUBMITTED', occurredAt: times.same, against: open },
    ],
    [
      'what was said of 2026-03-01T11:59:59.5Z (gone) outranks it, whatever their times',
      { state: 'SUBMITTED', occurredAt: noon, against: against.replace('evt|1', 'gone') as Position },
    ],
    [`COMPLETED of ${met} counts for more`, { against }],
    ['what was known counts for more', { state: 'SUBMITTED', occurredAt: noon }],
  ])('%s', (why, fields) => {
    const state = fields.state ?? 'a state that is new to us';
    expect(told({ ...fields, effect: 'stale' })).toBe(
      `Klarna's webhook says ${state}, which changed nothing: ${why}`,
    );
  });
});

describe('an answer that says nothing', () => {
  it.each<[string, Partial<HistoryEntry>]>([
    [
      'Klarna was told to cancel and gave no answer that says what became of it (HTTP 500)',
      { kind: 'cancel', detail: { response: 'unclear', status: '500' } },
    ],
    [
      'Klarna was told to cancel and gave no answer that says what became of it',
      { kind: 'cancel', detail: { response: 'unclear', error: 'TimeoutError' } },
    ],
    [
      'Klarna was told to cancel and would not have it (HTTP 409)',
      { kind: 'cancel', detail: { response: 'refused', status: '409' } },
    ],
    [
      'Klarna was told to cancel and showed SUBMITTED (HTTP 202)',
      { kind: 'cancel', detail: { response: 'payment_request', state: 'SUBMITTED', status: '202' } },
    ],
    [
      'Klarna was told to cancel and refused our credentials (HTTP 403)',
      { kind: 'cancel', detail: { response: 'denied', status: '403' } },
    ],
    [
      'Klarna was asked and would not take so many calls (HTTP 429)',
      { kind: 'read', detail: { response: 'rate_limited', status: '429' } },
    ],
    [
      'Klarna was asked and showed a state that is new to us (HTTP 200)',
      { kind: 'read', detail: { response: 'unknown_state', status: '200', state: 'PAUSED' } },
    ],
    [
      'Klarna was asked and does not know the request (HTTP 404)',
      { kind: 'read', detail: { response: 'not_found', status: '404' } },
    ],
    ['Klarna was asked and answered: of-newer-code', { kind: 'read', detail: { response: 'of-newer-code' } }],
    ['Klarna was asked and answered: unknown', { kind: 'read' }],
  ])('%s', (words, fields) => {
    expect(told(fields)).toBe(words);
  });
});

describe('what a person must look at says why, whatever it changed', () => {
  it.each<[string, Partial<HistoryEntry>]>([
    [
      'which became the state of the record; a person must look: the customer approved no earlier than the request ended',
      { state: 'CANCELED', effect: 'applied', attention: 'contradiction' },
    ],
    [
      'which became the state of the record; a person must look: the customer had approved, and our cancel went through all the same',
      { state: 'CANCELED', effect: 'applied', attention: 'canceled_after_completed' },
    ],
    [
      'counts for more; a person must look: the customer had approved, and our cancel went through all the same',
      { state: 'COMPLETED', effect: 'stale', attention: 'canceled_after_completed' },
    ],
    [
      'which came first and stays; a person must look: the customer approved no earlier than the request ended',
      { state: 'COMPLETED', effect: 'contradicting', attention: 'contradiction' },
    ],
    [
      'which came first and stays; a person must look: a request ends only once',
      { state: 'EXPIRED', effect: 'contradicting', attention: 'contradiction' },
    ],
    [
      'does not know the request (HTTP 404); a person must look: its expiry has not passed, so its id or its account may be wrong',
      { kind: 'read', attention: 'not_found', detail: { response: 'not_found', status: '404' } },
    ],
    [
      "The cancel is not done: Klarna refuses our credentials; the sweep tries again; a person must look: the account's credentials have to be mended",
      { kind: 'cancel_request', attention: 'klarna_denied', detail: { conclusion: 'denied' } },
    ],
    [
      'The cancel is not done: Klarna shows a state that is new to us; the sweep asks again; a person must look: a newer version may know the state',
      { kind: 'cancel_request', attention: 'unknown_state', detail: { conclusion: 'unknown_state' } },
    ],
    [
      'nothing was canceled, for the request was paid or over; a person must look',
      {
        kind: 'timer',
        attention: 'of_newer_code' as string as Attention,
        detail: { outcome: 'spared' },
      },
    ],
  ])('%s', (words, fields) => {
    expect(told(fields).endsWith(words)).toBe(true);
  });
});

describe('what we did', () => {
  const requested_by = 'role/checkout';

  it.each<[string, Partial<HistoryEntry>]>([
    [
      'role/checkout registered the session, due 12:20, only to be observed',
      {
        kind: 'register',
        effect: 'accepted',
        detail: { requested_by, deadline_at: '12:20', on_timeout: 'observe' },
      },
    ],
    [
      "role/checkout moved the session's deadline to 12:30",
      { kind: 'extend', effect: 'accepted', detail: { requested_by, deadline_at: '12:30' } },
    ],
    [
      "role/checkout asked to move the session's deadline, which was refused: extension_limit",
      { kind: 'extend', effect: 'refused', detail: { requested_by, refused: 'extension_limit' } },
    ],
    [
      'Klarna was asked to let the request expire at 12:20 itself, and will not',
      { kind: 'klarna_expiry', effect: 'refused', detail: { expires_at: '12:20', outcome: 'refused' } },
    ],
    [
      "Klarna was asked to let the request expire at 12:20 itself, and will not, so the session's deadline is Klarna's expiry, 12:10",
      {
        kind: 'klarna_expiry',
        effect: 'refused',
        detail: { expires_at: '12:20', outcome: 'refused', deadline_at: '12:10' },
      },
    ],
    [
      'Klarna was asked to let the request expire at 12:20 itself, and will',
      { kind: 'klarna_expiry', effect: 'accepted', detail: { expires_at: '12:20', outcome: 'accepted' } },
    ],
    [
      'Klarna was asked to let the request expire at 12:20 itself, and gave no answer that says whether it will',
      { kind: 'klarna_expiry', detail: { expires_at: '12:20', outcome: 'unknown' } },
    ],
    [
      'role/checkout asks for the cancel (basket emptied): Klarna is asked for the state, and if it is open, to cancel',
      { kind: 'cancel_request', effect: 'accepted', detail: { requested_by, reason: 'basket emptied' } },
    ],
    [
      "The session's time is up, so lapse:timer asks for the cancel: Klarna is asked for the state, and if it is open, to cancel",
      {
        kind: 'cancel_request',
        effect: 'accepted',
        detail: { requested_by: 'lapse:timer', cause: 'timeout' },
      },
    ],
    [
      'lapse:sweep carries on the cancel that role/checkout had asked for (basket emptied): Klarna is asked for the state, and if it is open, to cancel',
      {
        kind: 'cancel_request',
        effect: 'accepted',
        detail: { requested_by, cause: 'timeout', reason: 'basket emptied', carried_on_by: 'lapse:sweep' },
      },
    ],
    [
      'role/checkout asks for the cancel, which was refused: the request was COMPLETED',
      { kind: 'cancel_request', effect: 'refused', state: 'COMPLETED', detail: { requested_by } },
    ],
    [
      'role/checkout asks for the cancel, which was refused: the request was paid or over',
      { kind: 'cancel_request', effect: 'refused', detail: { requested_by } },
    ],
    [
      'role/checkout asks for the cancel, while another cancel was on its way already, which says what comes of it',
      { kind: 'cancel_request', detail: { requested_by, outcome: 'pending' } },
    ],
    [
      "The session's time is up, so role/checkout asks for the cancel, but it was given more time meanwhile, or is only observed",
      { kind: 'cancel_request', detail: { requested_by, cause: 'timeout', outcome: 'not_over' } },
    ],
    [
      'role/checkout asks for the cancel, with the rest of its session, which spares it: the request was EXPIRED',
      { kind: 'cancel_request', state: 'EXPIRED', detail: { requested_by, outcome: 'spared' } },
    ],
    [
      'role/checkout asks for the cancel, but it was canceled already',
      { kind: 'cancel_request', effect: 'noted', detail: { requested_by } },
    ],
    [
      'The cancel came to nothing: the request was DECLINED',
      { kind: 'cancel_request', effect: 'refused', state: 'DECLINED', detail: { outcome: 'refused' } },
    ],
    [
      'The cancel came to nothing: the request was paid or over',
      { kind: 'cancel_request', effect: 'refused', detail: { outcome: 'refused' } },
    ],
    [
      'The cancel is not done: the customer is in the middle of paying and was given time, once',
      { kind: 'cancel_request', detail: { outcome: 'in_progress_grace', conclusion: 'grace' } },
    ],
    [
      'The cancel is not done: Klarna gave no answer that says what became of it; the sweep asks again',
      { kind: 'cancel_request', detail: { outcome: 'pending', conclusion: 'unknown' } },
    ],
    [
      'The session is over: it would have been canceled, but is only observed',
      { kind: 'timer', detail: { outcome: 'would_cancel' } },
    ],
    [
      'The session is over: nothing was canceled, for the request was COMPLETED',
      { kind: 'timer', state: 'COMPLETED', detail: { outcome: 'spared' } },
    ],
    [
      "The session's timer went off before its deadline, 12:30: nothing was done, and it is set again",
      { kind: 'timer', detail: { outcome: 'not_yet', deadline_at: '12:30' } },
    ],
    [
      'Klarna was asked about the tie that e7 had raised, and answered with what the entry before this one says; the record says IN_PROGRESS',
      {
        kind: 'sweep',
        state: 'IN_PROGRESS',
        detail: { looked_into: 'tie', raised_by: 'e7', response: 'refreshed' },
      },
    ],
    [
      'Klarna was asked about the contradiction that e7 had raised, and does not know the request; the record says nothing',
      { kind: 'sweep', detail: { looked_into: 'contradiction', raised_by: 'e7', response: 'not_found' } },
    ],
  ])('%s', (words, fields) => {
    expect(told(fields)).toBe(words);
  });
});
