import { expect, it } from 'vitest';
import { factWords, typeWord } from '../../../local/front-page/browser/event-text.ts';

it.each([
  ['Registered', 'submitted', 'Payment Request Registered', 'SUBMITTED', null],
  ['State changed', 'canceled, by timeout', 'Payment Request State Changed', 'CANCELED', 'timeout'],
  ['Cancel refused', 'paid, by api', 'Payment Request Cancel Refused', 'COMPLETED', 'api'],
  [
    'Needs attention',
    'canceled: canceled after completed',
    'Payment Request Needs Attention',
    'CANCELED',
    'canceled_after_completed',
  ],
  [
    'Needs attention',
    'not seen yet: klarna denied',
    'Payment Request Needs Attention',
    null,
    'klarna_denied',
  ],
  [
    'Would have canceled',
    'submitted, observed by armed from',
    'Payment Request Would Have Canceled',
    'SUBMITTED',
    'armed_from',
  ],
  ['Payment Request Sung', 'expired', 'Payment Request Sung', 'EXPIRED', null],
])('an event reads "%s", "%s"', (word, facts, type, state, cause) => {
  expect([typeWord(type), factWords(type, { state, cause })]).toEqual([word, facts]);
});
