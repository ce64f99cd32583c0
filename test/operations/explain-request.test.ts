import { expect, it } from 'vitest';
import type { PaymentRequestRecord } from '../../client/responses.ts';
import { viewOf } from '../../functions/http/payment-request-view.ts';
import { explainRecord } from '../../operations/explain-request.ts';
import { recordWith } from '../support/fixtures.ts';
import { requestId } from '../support/cancel-jobs.ts';

const now = Date.parse('2026-11-30T12:00:00Z');

/** The explanation of a record with these fields. */
const explained = (fields: Partial<PaymentRequestRecord>): string => {
  const plain = viewOf(recordWith({ paymentRequestId: requestId(1) })) as PaymentRequestRecord;
  return explainRecord({ ...plain, ...fields }, now).join('\n');
};

const evidence = { source: 'webhook', event_id: 'e1', observed_at: '2026-11-30T11:59:00Z' } as const;
const cancellation = {
  outcome: 'canceled',
  cause: 'api',
  reason: 'ordered by telephone',
  requested_by: 'arn:aws:iam::1:user/ada',
  requested_at: '2026-11-30T11:58:00Z',
} as const;

it.each<[string, Partial<PaymentRequestRecord>, RegExp]>([
  ['no state yet', { state: null, evidence: null }, /Klarna has not reported a state yet/],
  [
    'a paid request',
    { state: 'COMPLETED', evidence },
    /COMPLETED.*known by Klarna's webhook\. The customer has approved/,
  ],
  ['a final request', { state: 'CANCELED', final: true, evidence }, /CANCELED.*That is final\./],
  ['no deadline', { deadline_at: null }, /It has no deadline/],
  [
    'a deadline that has passed',
    { deadline_at: '2026-11-30T11:59:30Z', timer: 'fired' },
    /\(PT30S ago\)\. Its timer has fired/,
  ],
  [
    'an observed session',
    { deadline_at: '2026-11-30T12:10:00Z', timer: 'armed', on_timeout: 'observe', extensions: 2 },
    /moved to a later time 2 times\. At the deadline Lapse only records/,
  ],
  [
    'a cancel of a caller',
    { cancellation },
    /user\/ada asked for a cancel at .* \(ordered by telephone\)\. It ended/,
  ],
  [
    'a cancel of the timeout',
    { cancellation: { ...cancellation, cause: 'timeout', outcome: 'pending', reason: null } },
    /The timeout canceled it at \S+\. Its result is not known yet/,
  ],
  [
    "Klarna's own end",
    { klarna_expires_at: '2026-11-30T15:00:00Z', final: false },
    /itself ends it at .*in PT3H/,
  ],
  [
    'a record that needs a person',
    { attention: 'contradiction' },
    /needs a person \(contradiction\)\. Klarna/,
  ],
])('explain says what is known of %s', (_, fields, words) => {
  expect(explained(fields)).toMatch(words);
});

it('explain says nothing of what a record does not have', () => {
  const text = explained({ cancellation: null, attention: null, session_id: null, reference: null });
  expect(text).not.toMatch(/null|undefined|belongs|person/);
});
