import { expect, it } from 'vitest';
import { tellSeed } from './explore.ts';
import { safetyInvariants } from './invariants.ts';
import { playSeeds } from './play-seeds.ts';

/**
 * `npm test` plays 5,000 histories and `npm run verify` 100,000. `npm run simulate -- --runs 1000000` plays as many
 * as you like.
 */
const runs = Number(process.env['HISTORIES'] ?? 5_000);

it(
  `every invariant holds in ${runs} histories with any order, any fault and any crash`,
  { timeout: 1_200_000 },
  async () => {
    const figures = await playSeeds({ from: 0, runs });
    expect(figures.runs).toBe(runs);
    expect(figures.courses.size).toBeGreaterThan(runs * 0.9);
    // The histories must contain every kind of fault. If nothing was lost, the sweep must have repaired nothing.
    expect(figures.faultKindsNotTried).toEqual([]);
    expect(figures.of.lossless.sweepRepairs).toBe(0);
    expect(figures.swept).toBeGreaterThan(runs / 20);
    expect(figures.strict.canceledAfterPaid).toBe(0);
    expect(figures.of.full.sweepRepairs).toBeGreaterThan(runs / 10);
  },
);

it('a seed always plays the same history', async () => {
  for (const seed of [3, 14, 159]) expect(await tellSeed(seed)).toBe(await tellSeed(seed));
});

it('each safety invariant is listed once', () => {
  expect(new Set(Object.values(safetyInvariants)).size).toBe(Object.keys(safetyInvariants).length);
});
