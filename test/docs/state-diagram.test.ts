import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { paymentRequestStates } from '../../functions/domain/payment-request-state.ts';
import { applyObservation, judge } from '../../functions/domain/transition.ts';
import { observed, recordWith } from '../support/fixtures.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'reference', 'races.md'), 'utf8');

const arrows = [...page.matchAll(/^ {2}(\S+) --> (\S+)$/gm)].map(([, from, to]) => `${from} ${to}`);

it('the state diagram has exactly the transitions of the rule for newer observations', () => {
  const earlier = '2026-03-01T12:00:00Z';
  const later = '2026-03-01T12:00:01Z';
  const taken = [undefined, ...paymentRequestStates].flatMap((from) =>
    paymentRequestStates
      .filter((to) => to !== from)
      .filter((to) => {
        const record = from
          ? applyObservation(recordWith(), observed(from, earlier)).record
          : recordWith({ version: 0 });
        return judge(record, observed(to, later)) === 'superseding';
      })
      .map((to) => `${from ?? '[*]'} ${to}`),
  );
  expect(arrows.toSorted()).toEqual(taken.toSorted());
});

it('the page is right about older observations', () => {
  const record = (state: (typeof paymentRequestStates)[number]) =>
    applyObservation(recordWith(), observed(state, '2026-03-01T12:00:01Z')).record;
  const older = '2026-03-01T12:00:00Z';
  expect(judge(record('IN_PROGRESS'), observed('SUBMITTED', older))).toBe('stale');
  expect(judge(record('IN_PROGRESS'), observed('COMPLETED', older))).toBe('superseding');
  expect(judge(record('COMPLETED'), observed('EXPIRED', older))).toBe('superseding');
  expect(judge(record('CANCELED'), observed('EXPIRED', older))).toBe('contradicting');
});
