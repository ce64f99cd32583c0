import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type GrowthRun, growthPlot } from '../../bench/growth/page.ts';
import { plotOf } from '../../bench/report/plot.ts';
import type { Run } from '../../bench/run.ts';
import { latenessPlot, meetingsPlot, recoveryPlot } from '../simulation/plots.ts';

const measured = (file: string): unknown =>
  JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'evidence', file), 'utf8'));

const textsOf = (svg: string): readonly string[] =>
  [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text = '']) => text);
const barsOf = (svg: string): number => [...svg.matchAll(/<rect /g)].length;

it('the plot of a benchmark has a stacked bar with its sum for each function and size', () => {
  const run = measured('performance.json') as Run;
  const svg = plotOf(run);
  const [typical] = run.figures.filter(({ subject, size }) => subject === 'typical cancel' && size === 128);
  if (!typical) throw new Error('docs/evidence/performance.json has no typical cancel');
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  expect(textsOf(svg)).toEqual(
    expect.arrayContaining([
      '■ init',
      '■ first call',
      '128 MB: typical cancel',
      `${Math.round(typical.init + typical.first)} ms`,
    ]),
  );
  expect(barsOf(svg)).toBe(2 * textsOf(svg).filter((text) => text.endsWith(' ms')).length);
});

it('the plot of growth has a line for each kind of call', () => {
  const run = measured('scale.json') as GrowthRun;
  const kinds = Object.keys(run.sizes[0]?.paces ?? {});
  const texts = textsOf(growthPlot(run));
  expect(texts).toEqual(expect.arrayContaining(kinds.map((kind) => `■ ${kind}`)));
  expect(texts).toEqual(expect.arrayContaining(['1', '100,000', '0 ms']));
});

it('the plot of meetings is a table with every count', () => {
  const meetings = new Map([
    ['SUBMITTED × timer', 1_234],
    ['CANCELED × webhook', 5],
  ]);
  const svg = meetingsPlot({ meetings });
  expect(barsOf(svg)).toBe(4);
  expect(textsOf(svg).toSorted()).toEqual(
    ['SUBMITTED', 'CANCELED', 'timer', 'webhook', '1,234', '5', '0', '0'].toSorted(),
  );
});

it('the plot of lateness has a bar for each power of two, in a panel for each kind of history', () => {
  const counts = (...pairs: (readonly [number, number])[]) => new Map(pairs);
  const lateness = {
    lossless: counts([10, 3], [11, 4]),
    full: counts([17, 2]),
    unswept: counts(),
    swept: counts(),
  };
  const svg = latenessPlot({ lateness });
  expect(barsOf(svg)).toBe(3);
  expect(textsOf(svg)).toEqual(
    expect.arrayContaining([
      'nothing lost: 7 sessions',
      'faults, crashes and losses: 2 sessions',
      '1 min',
      '1 h',
    ]),
  );
});

it('the plot of recovery has a bar with its length for each disturbance', () => {
  const svg = recoveryPlot([['sqs: refuse & <hang>', 1.26]], 'min');
  expect(barsOf(svg)).toBe(1);
  expect(textsOf(svg)).toEqual(['sqs: refuse &amp; &lt;hang&gt;', '1.3 min']);
});
