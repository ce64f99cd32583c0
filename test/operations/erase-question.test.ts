import { describe, expect, it } from 'vitest';
import { eraseQuestion } from '../../operations/erase-question.ts';
import { requestId } from '../support/cancel-jobs.ts';
import { account } from '../support/fixtures.ts';

const records = (outcome: 'erased' | 'open' | 'already_erased' | 'unknown', count: number) =>
  Array.from({ length: count }, (_, index) => ({ account, paymentRequestId: requestId(index + 1), outcome }));
const nothing = { records: [], jobs: [], references: [], deliveries: 0 };

describe('eraseQuestion', () => {
  it('there is no question about what is erased already, or was never stored', () => {
    const plan = { ...nothing, records: [...records('already_erased', 1), ...records('unknown', 1)] };
    expect(eraseQuestion(plan)).toBeUndefined();
  });

  it('webhooks in quarantine count', () => {
    expect(eraseQuestion({ ...nothing, deliveries: 2 })).toBe(
      'Erase 2 webhooks in quarantine? It cannot be undone.',
    );
  });

  it('of many that stay, the first five are named', () => {
    const plan = { ...nothing, records: [...records('erased', 2), ...records('open', 8)] };
    const names = [1, 2, 3, 4, 5].map((number) => requestId(number)).join(', ');
    expect(eraseQuestion(plan)).toBe(
      `Erase 2 records? It cannot be undone. These stay: ${names} and 3 more, which a dry run names.`,
    );
  });
});
