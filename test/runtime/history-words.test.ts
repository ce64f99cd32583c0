import { describe, expect, it } from 'vitest';
import type { EventId } from '../../functions/domain/identifiers.ts';
import type { Position } from '../../functions/domain/observation.ts';
import type { HistoryEntry } from '../../functions/domain/payment-request.ts';
import { explanationOf } from '../../functions/runtime/history-words.ts';
import { noon } from '../support/fixtures.ts';

const entryWith = (fields: Partial<HistoryEntry>): HistoryEntry => ({
  eventId: 'e1' as EventId,
  kind: 'webhook',
  recordedAt: noon,
  effect: 'noted',
  detail: {},
  ...fields,
});

const against = '1|2026-03-01T11:59:59.500000000Z|evt|1' as Position;
const met = 'what evt|1 said of 2026-03-01T11:59:59.5Z';

describe('a fact of Klarna', () => {
  const said = { state: 'CANCELED', against } as const;

  it.each<[string, Partial<HistoryEntry>]>([
    ["Klarna's webhook says CANCELED, which became the state of the record", { ...said, effect: 'applied' }],
    [
      `Klarna's webhook says CANCELED, which changed nothing: ${met} counts for more`,
      { ...said, effect: 'stale' },
    ],
    [
      'Klarna was asked and says CANCELED, which changed nothing: what was known counts for more',
      { kind: 'read', state: 'CANCELED', effect: 'stale' },
    ],
    [
      `Klarna answered our cancel with CANCELED, which changed nothing: it says the same as ${met}`,
      { ...said, kind: 'cancel', effect: 'confirming' },
    ],
    [
      `Klarna's webhook says CANCELED, which changed no state: it contradicts ${met}, and a person must look`,
      { ...said, effect: 'contradicting' },
    ],
    [
      'Klarna does not know the request any more, which after its expiry means EXPIRED, which became the state of the record',
      { kind: 'absence', state: 'EXPIRED', effect: 'applied' },
    ],
    [
      "Klarna's webhook says CANCELED, which became the state of the record although the customer had approved, and a person must look",
      { ...said, effect: 'applied', attention: 'canceled_after_completed' },
    ],
  ])('%s', (words, fields) => {
    expect(explanationOf(entryWith(fields))).toBe(words);
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
      "role/checkout asked to move the session's deadline, which was refused: extension-limit",
      { kind: 'extend', effect: 'refused', detail: { requested_by, refused: 'extension-limit' } },
    ],
    [
      'Klarna was asked to let the request expire at 12:20 itself: refused',
      { kind: 'klarna_expiry', effect: 'refused', detail: { expires_at: '12:20', outcome: 'refused' } },
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
      'role/checkout asks for the cancel, which was refused: the request was paid or had ended',
      { kind: 'cancel_request', effect: 'refused', detail: { requested_by } },
    ],
    [
      'role/checkout asks for the cancel, but it was canceled already',
      { kind: 'cancel_request', effect: 'noted', detail: { requested_by } },
    ],
    [
      'The cancel came to nothing: the request was paid or had ended',
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
      'Klarna was asked about the tie that e7 had raised, and answered: changed',
      { kind: 'sweep', detail: { looked_into: 'tie', raised_by: 'e7', answer: 'changed' } },
    ],
  ])('%s', (words, fields) => {
    expect(explanationOf(entryWith(fields))).toBe(words);
  });
});
