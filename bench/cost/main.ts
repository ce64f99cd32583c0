/** `npm run cost`: traces each flow on the local system, prices it, and writes the tables of docs/cost.md. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocalProcess } from '../../test/support/local-process.ts';
import { SystemClient } from '../../test/support/system-client.ts';
import { flows } from './flows.ts';
import { fixedPerMonth, perMillion, type Priced } from './prices.ts';
import { traceFlow, type Usage } from './trace.ts';

const sessions = 20;
const page = join(import.meta.dirname, '..', '..', 'docs', 'cost.md');
const kinds = Object.keys(perMillion) as Priced[];

const data = await mkdtemp(join(tmpdir(), 'lapse-cost-'));
const system = await startLocalProcess('--data', data);
const usages = new Map<string, Usage>();
try {
  const lapse = new SystemClient(system);
  for (const [index, flow] of flows.entries()) {
    console.error(`${index + 1}/${flows.length} ${flow.name}: ${sessions} sessions, about two minutes…`);
    usages.set(flow.name, await traceFlow(system, lapse, flow, sessions, join(data, 'lapse.log')));
  }
} finally {
  await system.stop();
  await rm(data, { recursive: true, force: true });
}

const priceOf = (usage: Usage, kind: Priced): number => usage[kind] * perMillion[kind];
const total = (usage: Usage): number => kinds.reduce((sum, kind) => sum + priceOf(usage, kind), 0);
const fixed = Object.values(fixedPerMonth).reduce((sum, price) => sum + price, 0);
const money = (dollars: number): string =>
  dollars.toLocaleString('en-US', { maximumFractionDigits: dollars < 100 ? 2 : 0 });
const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

const table = [
  row('', ...[...usages.keys()].flatMap((name) => [`${name}: used`, '$ a million'])),
  row('---', ...[...usages.keys()].flatMap(() => ['---:', '---:'])),
  ...kinds.map((kind) =>
    row(
      kind,
      ...[...usages.values()].flatMap((usage) => [
        usage[kind].toFixed(usage[kind] < 1 ? 3 : 1),
        money(priceOf(usage, kind)),
      ]),
    ),
  ),
  row('**together**', ...[...usages.values()].flatMap((usage) => ['', `**${money(total(usage))}**`])),
  '',
  row('a month', ...[...usages.keys()].map((name) => `all ${name}`)),
  row('---', ...[...usages.keys()].map(() => '---:')),
  ...[1_000, 1_000_000, 100_000_000].map((count) =>
    row(
      `${count.toLocaleString('en-US')} sessions`,
      ...[...usages.values()].map((usage) => `$ ${money(fixed + (total(usage) * count) / 1_000_000)}`),
    ),
  ),
  '',
  `Fixed, in every line: $ ${money(fixed)} (${Object.entries(fixedPerMonth)
    .map(([name, price]) => `${name} ${money(price)}`)
    .join(', ')}).`,
].join('\n');

const [before = '', , after = ''] = (await readFile(page, 'utf8')).split(/<!-- traced -->/);
await writeFile(page, `${before}<!-- traced -->\n\n${table}\n\n<!-- traced -->${after}`);
console.log(table);
