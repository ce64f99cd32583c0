/** `npm run cost`: traces each flow on the local system, prices it, and writes the tables of docs/evidence/cost.md. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { startLocalProcess } from '../../test/support/local-process.ts';
import { SystemClient } from '../../test/support/system-client.ts';
import { flows } from './flows.ts';
import { measureJobs } from './jobs.ts';
import { fixedPerMonth, perMillion, type Priced } from './prices.ts';
import { type Trace, traceFlow, type Usage } from './trace.ts';
import { typicalUsage } from './typical.ts';

const sessions = 20;
const page = join(import.meta.dirname, '..', '..', 'docs', 'evidence', 'cost.md');
const kinds = Object.keys(perMillion) as Priced[];

const data = await mkdtemp(join(tmpdir(), 'lapse-cost-'));
console.error('each function alone, from the benchmark…');
const benchFolder = await mkdtemp(join(tmpdir(), 'lapse-cost-bench-'));
const jobs = await measureJobs(benchFolder, [
  'lapse register',
  'lapse webhook',
  'lapse cancel',
  'lapse timer',
  'lapse publish',
  'typical webhook',
  'typical cancel',
]).finally(() => rm(benchFolder, { recursive: true, force: true }));
const millisOf = {
  'register-payment-request': jobs['lapse register'].millis,
  'receive-klarna-webhook': jobs['lapse webhook'].millis,
  'cancel-payment-request': jobs['lapse cancel'].millis,
  'cancel-expired-session': jobs['lapse timer'].millis,
  'publish-state-changes': jobs['lapse publish'].millis,
};
const system = await startLocalProcess('--data', data);
const traces = new Map<string, Trace>();
try {
  const lapse = new SystemClient(system);
  for (const [index, flow] of flows.entries()) {
    console.error(`${index + 1}/${flows.length} ${flow.name}: ${sessions} sessions, about two minutes…`);
    traces.set(
      flow.name,
      await traceFlow(flow, { system, lapse, sessions, logFile: join(data, 'lapse.log'), millisOf }),
    );
  }
} finally {
  await system.stop();
  await rm(data, { recursive: true, force: true });
}
const columns: readonly (readonly [string, Usage])[] = flows.flatMap((flow) => {
  const { usage, deliveries } = traces.get(flow.name) ?? fail(`${flow.name} was not traced`);
  return [
    [flow.name, usage],
    [
      `${flow.name}, typical`,
      typicalUsage(jobs['typical webhook'], jobs['typical cancel'], flow, deliveries),
    ],
  ];
});

const priceOf = (usage: Usage, kind: Priced): number => usage[kind] * perMillion[kind];
const total = (usage: Usage): number => kinds.reduce((sum, kind) => sum + priceOf(usage, kind), 0);
const fixed = Object.values(fixedPerMonth).reduce((sum, price) => sum + price, 0);
const money = (dollars: number): string =>
  dollars.toLocaleString('en-US', { maximumFractionDigits: dollars < 100 ? 2 : 0 });
const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

const table = [
  row('', ...columns.flatMap(([name]) => [`${name}: used`, '$ a million'])),
  row('---', ...columns.flatMap(() => ['---:', '---:'])),
  ...kinds.map((kind) =>
    row(
      kind,
      ...columns.flatMap(([, usage]) => [
        usage[kind].toFixed(usage[kind] < 1 ? 3 : 1),
        money(priceOf(usage, kind)),
      ]),
    ),
  ),
  row('**together**', ...columns.flatMap(([, usage]) => ['', `**${money(total(usage))}**`])),
  '',
  row('a month', ...flows.map(({ name }) => `all ${name}`)),
  row('---', ...flows.map(() => '---:')),
  ...[1_000, 1_000_000, 100_000_000].map((count) =>
    row(
      `${count.toLocaleString('en-US')} sessions`,
      ...[...traces.values()].map(({ usage }) => `$ ${money(fixed + (total(usage) * count) / 1_000_000)}`),
    ),
  ),
  '',
  `Every row includes fixed costs of $ ${money(fixed)} a month:`,
  '',
  ...Object.entries(fixedPerMonth).map(([name, price]) => `- ${name}: $ ${money(price)}`),
  '',
  `Klarna's webhooks for one session: ${list(({ deliveries }) => deliveries.toFixed(1))}. The record at the end, in started kilobytes: ${list(({ kilobytes }) => String(kilobytes))}.`,
].join('\n');

/** One figure of a flow. */
function list(of: (trace: Trace) => string): string {
  return [...traces].map(([name, trace]) => `${of(trace)} (${name})`).join(', ');
}

function fail(message: string): never {
  throw new Error(message);
}

const [before = '', , after = ''] = (await readFile(page, 'utf8')).split(/<!-- traced -->/);
const whole = `${before}<!-- traced -->\n\n${table}\n\n<!-- traced -->${after}`;
await writeFile(page, await format(whole, { ...(await resolveConfig(page)), parser: 'markdown' }));
console.log(table);
