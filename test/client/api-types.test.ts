import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type {
  CancelJobRequest,
  CancelOutcome,
  CancelResult,
  Deadline,
  ListFilter,
  Registration,
} from '../../client/lapse-client.ts';
import { dereferenced, operations } from '../support/api-contract.ts';

it('the types of the client and docs/reference/construct.md are what `npm run generate` writes', () => {
  const cwd = join(import.meta.dirname, '..', '..');
  const { status, stderr } = spawnSync('npm', ['run', '--silent', 'generate', '--', '--check'], {
    cwd,
    encoding: 'utf8',
  });
  expect(status, `${stderr}Run npm run generate and commit what it writes.`).toBe(0);
});

it('the client takes every filter of a list, and pages by itself', () => {
  const filter: Required<ListFilter> = {
    state: 'SUBMITTED',
    open: true,
    session_id: 'cart-17',
    reference: 'order-4711',
    due_before: '2026-03-01T12:00:00Z',
    attention: 'contradiction',
    would_cancel: true,
  };
  const list = operations.find(({ description }) => description['operationId'] === 'listPaymentRequests');
  const names = (list?.description['parameters'] as readonly unknown[]).map(
    (each) => dereferenced(each)['name'],
  );
  expect([...Object.keys(filter), 'cursor', 'limit'].toSorted()).toEqual(names.toSorted());
});

it('the compiler refuses what the API would refuse', () => {
  // @ts-expect-error: exactly one of the two
  const two: Deadline = { session_timeout: 'PT5M', deadline_at: '2026-03-01T12:00:00Z' };
  // @ts-expect-error: exactly one of the two
  const none: Deadline = {};
  // @ts-expect-error: one way to name the requests
  const ways: CancelJobRequest = { session_id: 's', created_before: '2026-03-01T12:00:00Z' };
  // @ts-expect-error: no such word
  const unknown: Registration = { on_timeout: 'ignore' };
  // @ts-expect-error: at most one of the two
  const both: Registration = { session_timeout: 'PT5M', deadline_at: '2026-03-01T12:00:00Z' };
  const [neither, timeout, deadline]: readonly Registration[] = [
    { session_id: 's' },
    { session_timeout: 'PT5M', reference: 'r' },
    { deadline_at: '2026-03-01T12:00:00Z' },
  ];
  expect([two, none, ways, unknown, both, neither, timeout, deadline]).toHaveLength(8);
});

it('every outcome of a cancel of the client is one of the API', () => {
  const outcomes = {
    canceled: true,
    already_canceled: true,
    already_final: true,
    would_cancel: true,
    pending: true,
    not_found: true,
  } satisfies Record<CancelResult['outcome'], true>;
  const words: readonly CancelOutcome[] = Object.keys(outcomes) as CancelResult['outcome'][];
  expect(words).toHaveLength(6);
});
