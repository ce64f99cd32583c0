import type { FixedCost } from './fixed.ts';
import type { CostGoal } from './goals.ts';
import { dollarsOf, perMillion, priced, type Usage } from './prices.ts';
import type { Trace } from './trace.ts';
import type { TracedWrite } from './traced-writes.ts';
import type { ComputedCost } from './workflow-services.ts';
import { unitsTogether } from './write-units.ts';

/** One flow, and the same sessions as others would run them. */
export interface ReportedFlow {
  readonly name: string;
  readonly trace: Trace;
  readonly typical: Usage;
  readonly lean: Usage;
  readonly stepFunctions: readonly ComputedCost[];
  readonly durableFunctions: readonly ComputedCost[];
}

export interface Report {
  /** The day, the commit and the number of sessions. */
  readonly conditions: string;
  readonly flows: readonly ReportedFlow[];
  readonly goals: readonly CostGoal[];
  readonly fixed: readonly FixedCost[];
}

const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const header = (...cells: readonly string[]): readonly string[] => [
  row(...cells),
  row(...cells.map((_, column) => (column === 0 ? '---' : '---:'))),
];
const money = (dollars: number): string =>
  dollars.toLocaleString('en-US', {
    minimumFractionDigits: dollars < 100 ? 2 : 0,
    maximumFractionDigits: dollars < 100 ? 2 : 0,
  });
const shown = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(2));
const sumOf = (costs: readonly { readonly dollars: number }[]): number =>
  costs.reduce((sum, { dollars }) => sum + dollars, 0);

/** The part of docs/evidence/cost.md that a run writes, as Markdown. */
export function costPage({ conditions, flows, goals, fixed }: Report): string {
  return [
    conditions,
    '',
    ...goalLines(goals),
    '',
    '**A million sessions, in US dollars.** The last two columns are computed and were not run.',
    '',
    ...summaryLines(flows),
    '',
    ...flows.flatMap((flow) => [`**One session, ${flow.name}:**`, '', ...usageLines(flow), '']),
    '**Every write of a session,** in write units, by its function and its position among the writes of that function.',
    '',
    ...flows.flatMap((flow) => [`${capitalized(flow.name)}:`, '', ...writeLines(flow.trace.writes), '']),
    ...monthLines(flows, fixed),
    '',
    ...flows.map(
      ({ name, trace }) =>
        `- ${capitalized(name)}: ${shown(trace.deliveries)} webhooks from Klarna, and a record of ${trace.itemBytes} bytes at the end.`,
    ),
    '',
    '**The same sessions on a workflow service,** a million of them, computed and not run:',
    '',
    ...workflowLines(flows),
  ].join('\n');
}

const goalLines = (goals: readonly CostGoal[]): readonly string[] => [
  row('figure', 'goal', 'measured', ''),
  row('---', '---:', '---:', '---'),
  ...goals.map(({ figure, goal, measured, unit }) => {
    const isWhole = unit === 'bytes';
    const value = isWhole ? measured.toFixed(0) : shown(measured);
    const suffix = unit === 'bytes' ? ' bytes' : unit === '$' ? ' $' : '';
    return row(figure, `≤ ${goal}${suffix}`, `${value}${suffix}`, measured <= goal ? 'met' : '**missed**');
  }),
];

const summaryLines = (flows: readonly ReportedFlow[]): readonly string[] => [
  ...header(
    'flow',
    'Lapse',
    'typical',
    '÷ typical',
    'lean',
    '÷ lean',
    'Step Functions',
    'Lambda durable functions',
  ),
  ...flows.map(({ name, trace, typical, lean, stepFunctions, durableFunctions }) => {
    const ours = dollarsOf(trace.usage);
    return row(
      name,
      money(ours),
      money(dollarsOf(typical)),
      (ours / dollarsOf(typical)).toFixed(2),
      money(dollarsOf(lean)),
      (ours / dollarsOf(lean)).toFixed(2),
      money(sumOf(stepFunctions)),
      money(sumOf(durableFunctions)),
    );
  }),
];

function usageLines({ trace, typical, lean }: ReportedFlow): readonly string[] {
  const usages = [trace.usage, typical, lean];
  return [
    ...header('', ...['Lapse', 'typical', 'lean'].flatMap((name) => [`${name}: used`, '$ a million'])),
    ...priced.map((kind) =>
      row(
        kind,
        ...usages.flatMap((usage) => [
          usage[kind].toFixed(usage[kind] < 1 ? 3 : 1),
          money(usage[kind] * perMillion[kind]),
        ]),
      ),
    ),
    row('**together**', ...usages.flatMap((usage) => ['', `**${money(dollarsOf(usage))}**`])),
  ];
}

function writeLines(writes: readonly TracedWrite[]): readonly string[] {
  const indexes = [...new Set(writes.flatMap((write) => Object.keys(write.indexes)))].toSorted();
  const sum = (of: (write: TracedWrite) => number): string =>
    `**${shown(writes.reduce((total, write) => total + of(write), 0))}**`;
  return [
    ...header('write', 'times', 'refused', 'item', ...indexes.map((name) => `index \`${name}\``), 'together'),
    ...writes.map((write) =>
      row(
        `${write.caller}, ${write.position}`,
        shown(write.times),
        shown(write.refused),
        shown(write.base),
        ...indexes.map((name) => shown(write.indexes[name] ?? 0)),
        shown(unitsTogether(write)),
      ),
    ),
    row(
      '**together**',
      sum(({ times }) => times),
      sum(({ refused }) => refused),
      sum(({ base }) => base),
      ...indexes.map((name) => sum((write) => write.indexes[name] ?? 0)),
      sum(unitsTogether),
    ),
  ];
}

const monthLines = (flows: readonly ReportedFlow[], fixed: readonly FixedCost[]): readonly string[] => [
  ...header('a month', ...flows.map(({ name }) => `all ${name}`)),
  ...[1_000, 1_000_000, 100_000_000].map((count) =>
    row(
      `${count.toLocaleString('en-US')} sessions`,
      ...flows.map(({ trace }) => `$ ${money(sumOf(fixed) + (dollarsOf(trace.usage) * count) / 1_000_000)}`),
    ),
  ),
  '',
  `Every row includes fixed costs of $ ${money(sumOf(fixed))} a month:`,
  '',
  ...fixed
    .filter(({ count }) => count > 0)
    .map(({ what, count, dollars }) => `- ${what} (${count.toLocaleString('en-US')}): $ ${money(dollars)}`),
];

const workflowLines = (flows: readonly ReportedFlow[]): readonly string[] => [
  ...header('flow', 'Step Functions', '$', 'Lambda durable functions', '$').map((line) =>
    line.replace('--- | ---: | ---: | ---: | ---:', '--- | --- | ---: | --- | ---:'),
  ),
  ...flows.flatMap(({ name, stepFunctions, durableFunctions }) => [
    ...Array.from({ length: Math.max(stepFunctions.length, durableFunctions.length) }, (_, line) => {
      const [left, right] = [stepFunctions[line], durableFunctions[line]];
      return row(
        line === 0 ? name : '',
        left?.what ?? '',
        left ? money(left.dollars) : '',
        right?.what ?? '',
        right ? money(right.dollars) : '',
      );
    }),
    row(
      '',
      '**together**',
      `**${money(sumOf(stepFunctions))}**`,
      '**together**',
      `**${money(sumOf(durableFunctions))}**`,
    ),
  ]),
];

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
