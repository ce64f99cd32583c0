import * as Plot from '@observablehq/plot';
import { plotSvg } from '../../tools/plot/plot-svg.ts';
import type { SweepAlone } from './sweep-alone.ts';
import type { AtSize, CatchUp, FlashSale, Pace } from './measure.ts';

/** The content of docs/evidence/scale.json: the last figures of each part. */
export interface GrowthRun {
  readonly commit: string;
  readonly machine: string;
  readonly sizes: readonly AtSize[];
  readonly flashSale: FlashSale;
  readonly catchUp?: CatchUp;
  readonly sweepAlone?: SweepAlone;
}

const row = (...cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
const short = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0));
const many = (value: number): string => value.toLocaleString('en-US');
const paceOf = ({ p50, p99 }: Pace): string => `${short(p50)}, ${short(p99)}`;

/** The measured part of docs/evidence/scale.md. */
export function growthPage({ commit, machine, sizes, flashSale, catchUp, sweepAlone }: GrowthRun): string {
  return [
    `\`npm run growth\`, commit ${commit}, ${machine}. The load generator is a separate process with 4 lanes. It shares the two cores with everything else.`,
    '',
    ...sizeLines(sizes),
    '',
    ...flashSaleLines(flashSale),
    '',
    ...(catchUp ? catchUpLines(catchUp) : []),
    ...(sweepAlone ? sweepAloneLines(sweepAlone) : []),
  ].join('\n');
}

function sizeLines(sizes: readonly AtSize[]): readonly string[] {
  const [first] = sizes;
  const last = sizes.at(-1);
  const kinds = Object.keys(first?.paces ?? {});
  const ratio = (at: AtSize, kind: string): string => {
    const base = first?.paces[kind]?.p50;
    const here = at.paces[kind]?.p50;
    return base !== undefined && here !== undefined ? (here / base).toFixed(2) : '';
  };
  return [
    '### Calls by the number of open sessions',
    '',
    'Milliseconds, median and 99th percentile:',
    '',
    row(
      'call',
      ...sizes.map(({ sessions }) => many(sessions)),
      `${many(last?.sessions ?? 0)} ÷ 1`,
      'calls a second',
    ),
    row('---', ...sizes.map(() => '---:'), '---:', '---:'),
    ...kinds.map((kind) =>
      row(
        kind,
        ...sizes.map(({ paces }) => (paces[kind] ? paceOf(paces[kind]) : '')),
        last ? ratio(last, kind) : '',
        short(last?.paces[kind]?.perSecond ?? 0),
      ),
    ),
    row(
      'timeout: claim after the deadline',
      ...sizes.map(({ lateness }) => short(lateness)),
      first && last ? (last.lateness / first.lateness).toFixed(2) : '',
      '',
    ),
    row(
      'a sweep, nothing due',
      ...sizes.map(({ sweep }) => short(sweep.millis)),
      first && last ? (last.sweep.millis / first.sweep.millis).toFixed(2) : '',
      '',
    ),
    row('queries of that sweep', ...sizes.map(({ sweep }) => short(sweep.queries)), '', ''),
    '',
    '![Medians of each call by the number of open sessions](scale.svg)',
  ];
}

const flashSaleLines = (flashSale: FlashSale): readonly string[] => [
  `### ${many(flashSale.sessions)} sessions that end at the same moment`,
  '',
  row('', 'measured'),
  row('---', '---:'),
  row('registrations a second before it', short(flashSale.registeredPerSecond)),
  row('seconds from the deadline until all were canceled', short(flashSale.settledInSeconds)),
  row('canceled a second', short(flashSale.sessions / flashSale.settledInSeconds)),
  row('calls to Klarna for each session', flashSale.klarnaCalls.toFixed(1)),
  row('webhook before it, ms (median, 99th percentile)', paceOf(flashSale.webhookIdle)),
  row('webhook during it, ms', paceOf(flashSale.webhookMeanwhile)),
  row(
    'webhooks that got 503, which Klarna sends again',
    `${flashSale.webhooksRefused} of ${flashSale.webhooks}`,
  ),
];

const catchUpLines = ({ sessions, klarnaMillis, minutes, sweeps }: CatchUp): readonly string[] => [
  `### ${many(sessions)} open sessions after an outage`,
  '',
  `All deadlines have passed, and all timers and webhooks are lost. The sweep alone ends the sessions, once a minute. Klarna takes ${klarnaMillis} ms for each response.`,
  '',
  row('', 'measured'),
  row('---', '---:'),
  row('minutes until all were canceled', minutes.toFixed(1)),
  row('runs of the sweep', sweeps),
  row('sessions ended per run', short(sessions / sweeps)),
];

const sweepAloneLines = ({ klarnaMillis, ended, seconds }: SweepAlone): readonly string[] => [
  '',
  `One run of the sweep's code against stand-ins that only wait ended ${many(ended)} sessions in ${short(seconds)} seconds: ${short(ended / seconds)} a second. The stand-ins take ${klarnaMillis} ms for Klarna, 5 ms for the table and 20 ms for Scheduler.`,
];

/** Medians by the number of open sessions, on a logarithmic axis. Flat lines are the goal. */
export function growthPlot({ sizes }: GrowthRun): string {
  const kinds = Object.keys(sizes[0]?.paces ?? {});
  const points = sizes.flatMap(({ sessions, paces }) =>
    kinds.map((kind) => ({ kind, sessions, millis: paces[kind]?.p50 ?? 0 })),
  );
  return plotSvg({
    title: 'Median time of a call in milliseconds, by the number of open sessions',
    legend: kinds,
    width: 680,
    height: 320,
    marginLeft: 56,
    marginTop: 60,
    marginRight: 40,
    x: {
      type: 'log',
      label: null,
      tickSize: 0,
      ticks: sizes.map(({ sessions }) => sessions),
      tickFormat: many,
    },
    y: { label: null, tickSize: 0, grid: true, ticks: 5, tickFormat: (millis: number) => `${millis} ms` },
    marks: [
      Plot.ruleY([0], { stroke: '#888888' }),
      Plot.lineY(points, { x: 'sessions', y: 'millis', stroke: 'kind', strokeWidth: 2 }),
      Plot.dot(points, { x: 'sessions', y: 'millis', fill: 'kind', r: 2.5 }),
    ],
  });
}
