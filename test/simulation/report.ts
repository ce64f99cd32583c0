/**
 * Measures the figures of docs/evidence/reliability.md and writes them there, between its two marks. It plays `--runs
 * N` histories from seed `--from M` on every processor, the whole small scope and every mutant.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { runSeed } from './explore.ts';
import { lateInvariants, safetyInvariants } from './invariants.ts';
import type { Mutant } from './mutant.ts';
import { mutants } from './mutants.ts';
import { playSeeds } from './play-seeds.ts';
import { latenessPlot, meetingsPlot } from './plots.ts';
import { orders, overtakings, play, scopes, strikeEveryPlace, strikes, wholeScopes } from './small-scope.ts';
import type { Tally } from './tally.ts';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '100000' }, from: { type: 'string', default: '0' } },
});
const document = 'docs/evidence/reliability.md';
const begin = '<!-- figures: begin -->';
const end = '<!-- figures: end -->';

const say = (text: string) => process.stdout.write(`${text}\n`);
const whole = (count: number) => count.toLocaleString('en');
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();

const sections = [await explored(), await smallScope(), await killed()];
const text = readFileSync(document, 'utf8');
const written = [
  text.slice(0, text.indexOf(begin)),
  begin,
  '\n\n',
  sections.join('\n\n'),
  '\n\n',
  text.slice(text.indexOf(end)),
];
writeFileSync(
  document,
  await format(written.join(''), { ...(await resolveConfig(document)), parser: 'markdown' }),
);

async function explored(): Promise<string> {
  const runs = Number(values.runs);
  const from = Number(values.from);
  const started = process.cpuUsage();
  // Throws at the first violation, so a run that finishes has none.
  const tally = await playSeeds({ from, runs }, ({ runs: done }) => {
    if (done % 5_000 === 0) say(`${done} of ${runs} histories`);
    return false;
  });
  writeFileSync('docs/evidence/reliability-meetings.svg', meetingsPlot(tally));
  writeFileSync('docs/evidence/reliability-lateness.svg', latenessPlot(tally));
  const { user, system } = process.cpuUsage(started);
  const { of, lax, strict } = tally;
  const duplicates = tally.published - tally.events;
  const rate = ({ canceled, canceledAfterPaid }: typeof lax) =>
    `${whole(canceledAfterPaid)} of ${whole(canceled)} (${((canceledAfterPaid / canceled) * 100).toFixed(2)} %)`;
  return [
    '### Random histories',
    `\`npm run reliability -- --runs ${runs} --from ${from}\`, commit ${commit}, ${Math.round((user + system) / 1e6)} s of processor time.`,
    table([
      ['', ''],
      ['histories', whole(tally.runs)],
      ['different sequences of calls', whole(tally.courses.size)],
      ['port calls', whole(tally.calls)],
      ['faults injected', whole([...tally.faults.values()].reduce((sum, count) => sum + count, 0))],
      ['violations', '0'],
      ['pairs of a state and an event that occurred', whole(tally.meetings.size)],
      [
        'invariants checked',
        `${Object.keys(safetyInvariants).length} after every step, ${Object.keys(lateInvariants).length} at the end`,
      ],
      [
        `sweep repairs with faults and losses (${whole(of.full.runs)} histories)`,
        whole(of.full.sweepRepairs),
      ],
      [
        `sweep repairs with nothing lost (${whole(of.lossless.runs)} histories)`,
        whole(of.lossless.sweepRepairs),
      ],
      ['histories without the sweep, nothing lost, all settled at the end', whole(of.unswept.runs)],
      ['histories in which the sweep is the only timer', whole(tally.swept)],
      ['canceled by Lapse after the customer approved, Klarna lax', rate(lax)],
      ['canceled by Lapse after the customer approved, Klarna strict', rate(strict)],
      ['most DELETEs that Klarna received for one request', whole(tally.mostDeletes)],
      ['most calls to Klarna about one request', whole(tally.mostCalls)],
      ['events published, and repeats', `${whole(tally.events)}, ${whole(duplicates)}`],
      ['session canceled after its deadline, nothing lost', within(tally.lateness.lossless)],
      ['session canceled after its deadline, faults and losses', within(tally.lateness.full)],
      ['session canceled after its deadline, the sweep the only timer', within(tally.lateness.swept)],
    ]),
    'How often each event reached a record in each state:',
    '![A table of states and events, darker for more frequent pairs](reliability-meetings.svg)',
    'How long after its deadline the timer or the sweep canceled a session:',
    '![Two histograms of lateness](reliability-lateness.svg)',
    '### Faults, by kind',
    table([
      ['kind', 'times'],
      ...[...tally.faultsByKind].map(([kind, count]) => [`\`${kind}\``, whole(count)] as const),
    ]),
    '### Calls, by function and port',
    table([
      ['function: port', 'calls', 'faults'],
      ...[...tally.sites]
        .toSorted()
        .map(([site, count]) => [site, whole(count), whole(faultsAt(tally, site))] as const),
    ]),
  ].join('\n\n');
}

/** The times within which half and all of them are, by the power of two of the milliseconds. */
function within(lateness: ReadonlyMap<number, number>): string {
  const sorted = [...lateness].toSorted(([a], [b]) => a - b);
  const all = sorted.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  const half = sorted.find(([, count]) => (seen += count) >= all / 2)?.[0] ?? 0;
  const seconds = (power: number) => `${whole(Number((2 ** power / 1000).toPrecision(2)))} s`;
  return `half within ${seconds(half)}, all within ${seconds(sorted.at(-1)?.[0] ?? 0)}`;
}

function faultsAt(tally: Tally, site: string): number {
  return [...tally.faults].reduce(
    (sum, [name, count]) => (name.startsWith(`${site} `) ? sum + count : sum),
    0,
  );
}

async function smallScope(): Promise<string> {
  const counts = { overtakings: 0, strikes: 0, everywhere: 0, violations: 0 };
  const courses = new Set<number>();
  const count = (
    what: 'overtakings' | 'strikes' | 'everywhere',
    report: Awaited<ReturnType<typeof runSeed>>,
  ) => {
    counts[what] += 1;
    counts.violations += report.violation ? 1 : 0;
    courses.add(report.course);
  };
  const places = new Map<string, number>();
  for (const scope of scopes) {
    for (const order of orders) {
      const { calls, report } = await play(scope, { order });
      count('overtakings', report);
      for (const course of overtakings(order, calls))
        count('overtakings', (await play(scope, course)).report);
      for (const course of strikes(order, calls, false)) count('strikes', (await play(scope, course)).report);
    }
    say(`small scope: ${scope.customer}, ${scope.lax ? 'lax' : 'strict'}`);
  }
  for (const scope of wholeScopes) {
    const struck = await strikeEveryPlace(scope, (report) => count('everywhere', report));
    for (const [place, kinds] of struck) places.set(place, Math.max(kinds.size, places.get(place) ?? 0));
    say(`every place: ${scope.besides ?? 'no actor'} besides`);
  }
  return [
    '### Small scope',
    table([
      ['', ''],
      ['orders of two webhooks, a cancel and a timer', whole(orders.length)],
      ['histories of every order with no or one overtaking', whole(counts.overtakings)],
      ['histories of every order with one fault of every kind at every call', whole(counts.strikes)],
      ['histories with a fault at every place in the source', whole(counts.everywhere)],
      ['different sequences of calls', whole(courses.size)],
      ['violations', whole(counts.violations)],
      [
        'places in the use cases that call a port, each with faults',
        whole([...places.keys()].filter((place) => !place.startsWith('trigger')).length),
      ],
      [
        'pairs of a place and a kind of fault',
        whole([...places.values()].reduce((sum, kinds) => sum + kinds, 0)),
      ],
    ]),
  ].join('\n\n');
}

async function killed(): Promise<string> {
  const rows: (readonly string[])[] = [['mutant', 'found by', 'at seed']];
  for (const { name, invariant, protocol } of mutants) {
    rows.push([name, `\`${invariant}\``, String(await seedThatFinds(invariant, protocol))]);
  }
  say(`${mutants.length} mutants`);
  return [
    `### Mutants`,
    `Each of the ${mutants.length} mutants is found. Seeds are tried from 0.`,
    table(rows),
  ].join('\n\n');
}

async function seedThatFinds(invariant: Mutant['invariant'], protocol: Mutant['protocol']): Promise<number> {
  for (let seed = 0; seed < 10_000; seed += 1) {
    if ((await runSeed(seed, protocol)).violation?.invariant === invariant) return seed;
  }
  throw new Error(`${invariant} finds nothing in 10000 histories`);
}

/** A Markdown table. The first row is its head. */
function table([head = [], ...rows]: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
