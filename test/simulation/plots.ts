import * as Plot from '@observablehq/plot';
import { palette, plotSvg } from '../../tools/plot/plot-svg.ts';
import type { Tally } from './tally.ts';

const [blue] = palette;
const whole = (count: number): string => count.toLocaleString('en');

/** An SVG of how often each event reached a record in each state. Darker is more often. */
export function meetingsPlot({ meetings }: Pick<Tally, 'meetings'>): string {
  const names = [...meetings.keys()].map((name) => name.split(' × ') as [string, string]);
  const states = [...new Set(names.map(([state]) => state))].toSorted();
  const events = [...new Set(names.map(([, event]) => event))].toSorted();
  const most = Math.log(Math.max(...meetings.values()) + 1);
  const cells = events.flatMap((event) =>
    states.map((state) => {
      const count = meetings.get(`${state} × ${event}`) ?? 0;
      return { state, event, count, depth: Math.log(count + 1) / most };
    }),
  );
  return plotSvg({
    width: 170 + states.length * 88,
    height: 40 + events.length * 22,
    marginLeft: 160,
    marginTop: 30,
    marginBottom: 10,
    marginRight: 10,
    x: { axis: 'top', label: null, tickSize: 0, domain: states, padding: 0.03 },
    y: { label: null, tickSize: 0, domain: events, padding: 0.1 },
    opacity: { domain: [0, 1], range: [0, 0.9] },
    marks: [
      Plot.cell(cells, { x: 'state', y: 'event', fill: blue, fillOpacity: 'depth', stroke: '#bbbbbb' }),
      Plot.text(cells, {
        x: 'state',
        y: 'event',
        text: ({ count }: (typeof cells)[number]) => whole(count),
        fill: ({ depth }: (typeof cells)[number]) => (depth > 0.6 ? '#ffffff' : '#222222'),
      }),
    ],
  });
}

/** Counts by the power of two of the milliseconds. */
const ticks = new Map(
  (
    [
      ['100 ms', 100],
      ['1 s', 1_000],
      ['10 s', 10_000],
      ['1 min', 60_000],
      ['10 min', 600_000],
      ['1 h', 3_600_000],
      ['12 h', 43_200_000],
    ] as const
  ).map(([label, millis]) => [Math.log2(millis), label]),
);

/** An SVG of how late after its deadline a session was canceled: with nothing lost, and with faults and losses. */
export function latenessPlot({ lateness }: Pick<Tally, 'lateness'>): string {
  const panels = [
    ['nothing lost', lateness.lossless],
    ['faults, crashes and losses', lateness.full],
  ] as const;
  const named = panels.map(([name, counts]) => {
    const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
    return [`${name}: ${whole(all)} sessions`, counts] as const;
  });
  const bars = named.flatMap(([panel, counts]) => {
    const most = Math.max(1, ...counts.values());
    return [...counts].map(([power, count]) => ({
      panel,
      from: power - 1,
      to: power,
      share: count / most,
    }));
  });
  return plotSvg({
    width: 656,
    height: 340,
    marginLeft: 20,
    marginTop: 20,
    marginRight: 20,
    x: { domain: [5, 27] },
    y: { axis: null, domain: [0, 1.15] },
    fy: { axis: null, domain: named.map(([panel]) => panel), padding: 0.15 },
    color: { domain: named.map(([panel]) => panel), range: palette },
    marks: [
      Plot.rectY(bars, { x1: 'from', x2: 'to', y: 'share', fy: 'panel', fill: 'panel', insetRight: 3 }),
      Plot.ruleY([0], { stroke: '#888888' }),
      Plot.axisX({ label: null, ticks: [...ticks.keys()], tickFormat: (power: number) => ticks.get(power) }),
      Plot.text(named, {
        fy: ([panel]: readonly [string, unknown]) => panel,
        text: ([panel]: readonly [string, unknown]) => panel,
        frameAnchor: 'top-left',
      }),
    ],
  });
}

/** An SVG with one bar per disturbance: how long the recovery took. */
export function recoveryPlot(
  bars: readonly (readonly [name: string, length: number])[],
  unit: string,
): string {
  const rows = bars.map(([name, length]) => ({ name, length }));
  return plotSvg({
    width: 850,
    height: 20 + rows.length * 18,
    marginLeft: 420,
    marginTop: 10,
    marginRight: 70,
    marginBottom: 10,
    x: { axis: null },
    y: { label: null, tickSize: 0, domain: rows.map(({ name }) => name), padding: 0.25 },
    marks: [
      Plot.barX(rows, { x: 'length', y: 'name', fill: blue }),
      Plot.text(rows, {
        x: 'length',
        y: 'name',
        text: ({ length }: (typeof rows)[number]) => `${length.toFixed(1)} ${unit}`,
        textAnchor: 'start',
        dx: 6,
      }),
    ],
  });
}
