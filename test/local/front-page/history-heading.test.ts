import { expect, it } from 'vitest';
import { type EntryWords, headingOf } from '../../../local/front-page/browser/history-heading.ts';

const asked = { requested_by: 'arn:shop', cause: 'api' };
const byTimer = { requested_by: 'lapse:session-timer', cause: 'timeout' };

it.each<[string, Partial<EntryWords>]>([
  ['Webhook from Klarna: COMPLETED', { kind: 'webhook', effect: 'applied', state: 'COMPLETED' }],
  ['Read from Klarna: SUBMITTED', { kind: 'read', effect: 'stale', state: 'SUBMITTED' }],
  ['Klarna’s response to our cancel: CANCELED', { kind: 'cancel', effect: 'applied', state: 'CANCELED' }],
  ['Not found at Klarna: EXPIRED', { kind: 'not_found', effect: 'applied', state: 'EXPIRED' }],
  ['Session registered', { kind: 'register' }],
  ['Registration refused', { kind: 'register', effect: 'refused' }],
  ['Deadline moved', { kind: 'extend' }],
  ['Change of the deadline refused', { kind: 'extend', effect: 'refused' }],
  ['Klarna expiry set', { kind: 'klarna_expiry' }],
  ['Klarna refused the expiry', { kind: 'klarna_expiry', effect: 'refused' }],
  ['No response from Klarna to the expiry', { kind: 'klarna_expiry', effect: 'noted' }],
  ['Cancel requested', { kind: 'cancel_request', evidence: asked }],
  ['Cancel requested: refused', { kind: 'cancel_request', effect: 'refused', evidence: asked }],
  ['Cancel requested: not needed', { kind: 'cancel_request', effect: 'noted', evidence: asked }],
  ['Session timed out, cancel requested', { kind: 'cancel_request', evidence: byTimer }],
  [
    'Session timed out, cancel requested: refused',
    { kind: 'cancel_request', effect: 'refused', evidence: byTimer },
  ],
  [
    'Cancel ended without effect',
    { kind: 'cancel_request', effect: 'refused', evidence: { cause: 'timeout', conclusion: 'known' } },
  ],
  [
    'Cancel not finished yet',
    { kind: 'cancel_request', effect: 'noted', evidence: { cause: 'api', conclusion: 'unknown' } },
  ],
  [
    'Customer got more time',
    { kind: 'cancel_request', effect: 'noted', evidence: { cause: 'timeout', conclusion: 'grace' } },
  ],
  [
    'Cancel requested: another cancel was already running',
    { kind: 'cancel_request', effect: 'noted', evidence: { ...asked, outcome: 'pending' } },
  ],
  [
    'Cancel requested: not allowed for a paid request: COMPLETED',
    {
      kind: 'cancel_request',
      effect: 'noted',
      state: 'COMPLETED',
      evidence: { ...asked, outcome: 'spared' },
    },
  ],
  [
    'Session timed out, cancel requested: the deadline was moved',
    { kind: 'cancel_request', effect: 'noted', evidence: { ...byTimer, outcome: 'not_over' } },
  ],
  ['Cancel resumed', { kind: 'cancel_request', evidence: { ...asked, carried_on_by: 'lapse:sweep' } }],
  ['Timer fired too early', { kind: 'timer', effect: 'noted', evidence: { outcome: 'not_yet' } }],
  ['Klarna returned no state', { kind: 'read', effect: 'noted' }],
  ['Klarna did not confirm the cancel', { kind: 'cancel', effect: 'noted' }],
  ['Session timed out: COMPLETED', { kind: 'timer', effect: 'noted', state: 'COMPLETED' }],
  ['Sweep ran: CANCELED', { kind: 'sweep', effect: 'noted', state: 'CANCELED' }],
  ['news', { kind: 'news', effect: 'refused' }],
])('the heading "%s" belongs to %o', (heading, entry) => {
  expect(headingOf({ kind: '', effect: 'accepted', state: null, evidence: {}, ...entry })).toBe(heading);
});
