import { expect, it } from 'vitest';
import type { Figures } from '../../bench/figures.ts';
import { type Goal, type GoalsInput, goalsOf } from '../../bench/goals.ts';
import type { Size } from '../../bench/rounds.ts';

const figure = (subject: string, size: Size, fields: Partial<Figures>): Figures => ({
  subject,
  size,
  samples: 1,
  init: 50,
  first: 50,
  firstCpu: 1,
  sum: 100,
  warmP50: 10,
  warmP99: 10,
  warmCpu: 1,
  peakKilobytes: 1,
  bundleBytes: 1,
  calls: [],
  ...fields,
});

const input = (...figures: readonly Figures[]): GoalsInput => ({
  figures,
  waiting: { cancel: 60, webhook: 20 },
  forgedMicros: 50,
  awsCalls: {
    webhook: 1,
    'webhook, duplicate': 1,
    'webhook, canceled': 1,
    'webhook, forged': 0,
    cancel: 4,
    register: 3,
    'register, no session': 2,
    'register, webhook first': 3,
  },
});

function goalNamed(goals: readonly Goal[], name: string): Goal {
  const found = goals.find(({ figure }) => figure === name);
  if (!found)
    throw new Error(`There is no goal ${name}; there are: ${goals.map((each) => each.figure).join('; ')}.`);
  return found;
}

it('a cold cancel is compared with each peer without the waiting that both have', () => {
  const goals = goalsOf(
    input(
      figure('lapse cancel', 'whole', { sum: 100 }),
      figure('typical cancel', 'whole', { sum: 160 }),
      figure('lean cancel', 'whole', { sum: 110 }),
    ),
  );
  const name = 'init + first call less shared waiting';
  expect(goalNamed(goals, `${name} ÷ typical, a core: cancel`)).toMatchObject({ measured: 0.4, met: true });
  expect(goalNamed(goals, `${name} ÷ lean, a core: cancel`)).toMatchObject({ measured: 0.8, met: true });
});

it('a ratio above its goal is missed', () => {
  const goals = goalsOf(
    input(figure('lapse webhook', 256, { warmP50: 11 }), figure('lean webhook', 256, { warmP50: 10 })),
  );
  expect(goalNamed(goals, 'warm p50 ÷ lean, 256 MB: webhook')).toMatchObject({ measured: 1.1, met: false });
});

it('a goal without its figures is neither met nor missed', () => {
  const goals = goalsOf(input());
  expect(goalNamed(goals, 'warm p50 of a list page of 25 ÷ a single read')).toMatchObject({
    measured: undefined,
    met: undefined,
  });
});

it('a page of a list is compared with a single read', () => {
  const goals = goalsOf(
    input(figure('lapse list', 'whole', { warmP50: 25 }), figure('lapse read', 'whole', { warmP50: 10 })),
  );
  expect(goalNamed(goals, 'warm p50 of a list page of 25 ÷ a single read')).toMatchObject({
    measured: 2.5,
    met: true,
  });
});

it('the calls of AWS are compared with their goals', () => {
  const goals = goalsOf(input());
  expect(goalNamed(goals, 'AWS calls of a registration, unseen request')).toMatchObject({ met: true });
  expect(goalNamed(goals, 'AWS calls of a registration, unseen request of a session')).toMatchObject({
    met: false,
  });
  expect(goalNamed(goals, 'AWS calls of a registration, webhook came first')).toMatchObject({ met: true });
});
