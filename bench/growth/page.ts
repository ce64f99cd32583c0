import * as Plot from '@observablehq/plot';
import { plotSvg } from '../../tools/plot/plot-svg.ts';
import type { SweepAlone } from './sweep-alone.ts';
import type { Neighbours, OneCredential } from './one-credential.ts';
import type { Partners } from './partners.ts';
import type { AtSize, CatchUp, FlashSale, Pace } from './measure.ts';

/** The content of docs/evidence/scale.json: the last figures of each part. */
export interface GrowthRun {
  readonly commit: string;
  readonly machine: string;
  readonly sizes: readonly AtSize[];
  readonly flashSale: FlashSale;
  readonly catchUp?: CatchUp;
  readonly sweepAlone?: SweepAlone;
  readonly partners?: Partners;
  readonly oneCredential?: OneCredential;
}

const row = (...cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
const short = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0));
const many = (value: number): string => value.toLocaleString('en-US');
const paceOf = ({ p50, p99 }: Pace): string => `${short(p50)}, ${short(p99)}`;

/** The measured part of docs/evidence/scale.md. */
export function growthPage(run: GrowthRun): string {
  const { commit, machine, sizes, flashSale, catchUp, sweepAlone } = run;
  return [
    `\`npm run growth\`, commit ${commit}, ${machine}. The load generator is a separate process with 4 lanes. It shares the two cores with everything else.`,
    '',
    ...sizeLines(sizes),
    '',
    ...flashSaleLines(flashSale),
    '',
    ...(catchUp ? catchUpLines(catchUp) : []),
    ...(sweepAlone ? sweepAloneLines(sweepAlone) : []),
    ...(run.partners ? partnerLines(run.partners) : []),
    ...(run.oneCredential ? oneCredentialLines(run.oneCredential) : []),
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

const partnerLines = ({ accounts, register, onboardingToCancel, megabytes }: Partners): readonly string[] => [
  '',
  `### ${many(accounts)} accounts on one credential`,
  '',
  'None of the accounts is configured. Each registers its first session, eight at a time.',
  '',
  row('', 'measured'),
  row('---', '---:'),
  row('edits of a secret or a setting, deployments', 0),
  row(
    'first registrations, the first tenth of the accounts, ms (median, 99th percentile)',
    pair(register.first),
  ),
  row('the last tenth', pair(register.last)),
  row('from the onboarding by Klarna to the response of the first cancel, ms', pair(onboardingToCancel)),
  row('megabytes of a function before the accounts', megabytes.before.toFixed(0)),
  row('megabytes after them', megabytes.after.toFixed(0)),
];

const pair = ({ p50, p99 }: { readonly p50: number; readonly p99: number }): string =>
  `${p50.toFixed(0)}, ${p99.toFixed(0)}`;

const seconds = (millis: number): string => (millis / 1_000).toFixed(1);

const neighbourRows = (timers: Neighbours, sweep: Neighbours): readonly string[] => {
  const both = (what: string, of: (each: Neighbours) => string | number): string =>
    row(what, of(timers), of(sweep));
  return [
    row('', 'timers', 'the sweep as the only timer'),
    row('---', '---:', '---:'),
    both('sessions of the noisy account, due at once', (each) => many(each.sessions - each.quietSessions)),
    both(
      'their wait in seconds, median and 99th percentile',
      ({ noisy }) => `${seconds(noisy.p50)}, ${seconds(noisy.p99)}`,
    ),
    both('sessions of the quiet account meanwhile', ({ quietSessions }) => quietSessions),
    both(
      'their wait in seconds, median and 99th percentile',
      ({ quiet }) => `${seconds(quiet.p50)}, ${seconds(quiet.p99)}`,
    ),
    both('the longest wait of a quiet session', ({ quiet }) => seconds(quiet.longest)),
    both('calls in the busiest minute', ({ mostCallsInWindow }) => many(mostCallsInWindow)),
    both('calls that Klarna refused', ({ refused }) => refused),
  ];
};

const oneCredentialLines = (measured: OneCredential): readonly string[] => {
  const { limit, share, neighbours, sweepAsTimer, flashSale } = measured;
  return [
    '',
    '### A noisy account beside a quiet one',
    '',
    `The code of Lapse in virtual time, on stand-ins that only wait: ${measured.klarnaMillis} ms for Klarna, 5 ms for the table. Klarna allows ${many(limit)} calls a minute for the API key, of which Lapse takes ${many(limit * share)}. Ten processes end ten sessions each, from a fair queue.`,
    '',
    ...neighbourRows(neighbours, sweepAsTimer),
    '',
    `### ${many(flashSale.sessions)} sessions of ${many(flashSale.accounts)} accounts that end at the same moment`,
    '',
    'The same code, stand-ins and limit.',
    '',
    row('', 'measured'),
    row('---', '---:'),
    row('minutes until all were canceled', (flashSale.seconds / 60).toFixed(1)),
    row(
      'minutes that the calls need at the share of Lapse',
      ((2 * flashSale.sessions) / (limit * share)).toFixed(1),
    ),
    row('calls in the busiest minute', many(flashSale.mostCallsInWindow)),
    row('calls that Klarna refused', flashSale.refused),
    row('writes of the shared item for each session', flashSale.writesPerSession.toFixed(2)),
  ];
};

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
