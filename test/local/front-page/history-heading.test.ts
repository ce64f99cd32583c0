import { expect, it } from 'vitest';
import { type EntryWords, headingOf } from '../../../local/front-page/browser/history-heading.ts';

const asked = { requested_by: 'arn:shop', cause: 'api' };
const byTimer = { requested_by: 'lapse:session-timer', cause: 'timeout' };

it.each<[string, Partial<EntryWords>]>([
  ['A webhook of Klarna’s: COMPLETED', { kind: 'webhook', effect: 'applied', state: 'COMPLETED' }],
  ['A look at Klarna: SUBMITTED', { kind: 'read', effect: 'stale', state: 'SUBMITTED' }],
  ['Klarna’s answer to our cancel: CANCELED', { kind: 'cancel', effect: 'applied', state: 'CANCELED' }],
  ['Klarna knows it no longer: EXPIRED', { kind: 'not_found', effect: 'applied', state: 'EXPIRED' }],
  ['The shop registered the session', { kind: 'register' }],
  ['The shop could not register the session', { kind: 'register', effect: 'refused' }],
  ['The shop moved the deadline', { kind: 'extend' }],
  ['The shop could not move the deadline', { kind: 'extend', effect: 'refused' }],
  ['Klarna’s own expiry was set', { kind: 'klarna_expiry' }],
  ['Klarna did not take the expiry', { kind: 'klarna_expiry', effect: 'refused' }],
  ['Klarna gave no answer to the expiry', { kind: 'klarna_expiry', effect: 'noted' }],
  ['A cancel was asked for', { kind: 'cancel_request', evidence: asked }],
  ['A cancel was asked for and refused', { kind: 'cancel_request', effect: 'refused', evidence: asked }],
  [
    'A cancel was asked for, and was not needed',
    { kind: 'cancel_request', effect: 'noted', evidence: asked },
  ],
  ['The session’s time was up: a cancel was asked for', { kind: 'cancel_request', evidence: byTimer }],
  [
    'The session’s time was up: a cancel was asked for and refused',
    { kind: 'cancel_request', effect: 'refused', evidence: byTimer },
  ],
  [
    'The cancel came to nothing',
    { kind: 'cancel_request', effect: 'refused', evidence: { cause: 'timeout', conclusion: 'known' } },
  ],
  [
    'The cancel is not done yet',
    { kind: 'cancel_request', effect: 'noted', evidence: { cause: 'api', conclusion: 'unknown' } },
  ],
  [
    'The customer was given time',
    { kind: 'cancel_request', effect: 'noted', evidence: { cause: 'timeout', conclusion: 'grace' } },
  ],
  [
    'A cancel was asked for, while one was on its way',
    { kind: 'cancel_request', effect: 'noted', evidence: { ...asked, outcome: 'pending' } },
  ],
  [
    'A cancel was asked for, which spares it: COMPLETED',
    {
      kind: 'cancel_request',
      effect: 'noted',
      state: 'COMPLETED',
      evidence: { ...asked, outcome: 'spared' },
    },
  ],
  [
    'The session’s time was up: a cancel was asked for, and there is more time',
    { kind: 'cancel_request', effect: 'noted', evidence: { ...byTimer, outcome: 'not_over' } },
  ],
  [
    'The cancel is carried on',
    { kind: 'cancel_request', evidence: { ...asked, carried_on_by: 'lapse:sweep' } },
  ],
  ['The session’s timer was early', { kind: 'timer', effect: 'noted', evidence: { outcome: 'not_yet' } }],
  ['Klarna did not say what it is', { kind: 'read', effect: 'noted' }],
  ['Klarna did not say it is canceled', { kind: 'cancel', effect: 'noted' }],
  ['The session’s time was up: COMPLETED', { kind: 'timer', effect: 'noted', state: 'COMPLETED' }],
  ['The sweep looked at it: CANCELED', { kind: 'sweep', effect: 'noted', state: 'CANCELED' }],
  ['news', { kind: 'news', effect: 'refused' }],
])('"%s" heads %o', (heading, entry) => {
  expect(headingOf({ kind: '', effect: 'accepted', state: null, evidence: {}, ...entry })).toBe(heading);
});
