import { type Figures, find } from '../figures.ts';
import type { Goal } from '../goals.ts';
import { sizeName } from '../rounds.ts';
import type { Run } from '../run.ts';
import { sharedWaiting } from '../subjects.ts';

const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const millis = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0));
const times = (value: number | undefined): string => (value === undefined ? '' : value.toFixed(2));

const shown = (value: number, unit: Goal['unit']): string =>
  unit === 'calls' ? String(value) : unit === 'µs' ? `${value.toFixed(0)} µs` : value.toFixed(2);

function goalRow({ figure, goal, measured, met, unit }: Goal): string {
  const verdict = met === undefined ? 'not measured' : met ? 'met' : '**missed**';
  return row(
    figure,
    `≤ ${shown(goal, unit).replace(/\.?0+$/, (zeros) => (zeros.startsWith('.') ? '' : zeros))}`,
    measured === undefined ? '' : shown(measured, unit),
    verdict,
  );
}

/** The same job of a peer, where it has been measured. */
function peerOf(
  peer: 'typical' | 'lean',
  { subject, size }: Figures,
  figures: readonly Figures[],
): Figures | undefined {
  const job = /^lapse (\w+)/.exec(subject)?.[1];
  return job === undefined ? undefined : find(figures, `${peer} ${job}`, size);
}

function figureRow(each: Figures, figures: readonly Figures[]): string {
  const empty = find(figures, 'empty nothing, once', each.size);
  const typical = peerOf('typical', each, figures);
  const lean = peerOf('lean', each, figures);
  return row(
    each.subject,
    sizeName(each.size),
    millis(each.init),
    times(empty && each.init / empty.init),
    millis(each.first),
    millis(each.sum),
    times(typical && each.sum / typical.sum),
    times(lean && each.sum / lean.sum),
    millis(each.warmP50),
    millis(each.warmP99),
    times(each.warmP99 / each.warmP50),
    (each.peakKilobytes / 1_024).toFixed(0),
    times(empty && each.peakKilobytes / empty.peakKilobytes),
  );
}

/** Names, each with its number of occurrences. */
const counted = (calls: readonly string[]): string =>
  calls.length === 0
    ? 'none'
    : [...new Set(calls)]
        .map((call) => {
          const times = calls.filter((each) => each === call).length;
          return times === 1 ? call : `${times} × ${call}`;
        })
        .join(', ');

/** The part of docs/evidence/performance.md that a run writes, as Markdown. */
export function pageOf(run: Run): string {
  const { figures, goals, options } = run;
  const waiting = sharedWaiting(options.latencies);
  return [
    ...conditionLines(run),
    '',
    row('figure', 'goal', 'measured', ''),
    row('---', '---:', '---:', '---'),
    ...goals.map(goalRow),
    '',
    `The shared waiting: every cancel waits at least ${waiting.cancel} ms and every webhook ${waiting.webhook} ms, cold or warm, in Lapse and in its peers.`,
    '',
    '![Init and first call](performance.svg)',
    '',
    ...figureLines(figures),
    '',
    ...flowLines(run),
  ].join('\n');
}

/** The time, the machine and the conditions of the run. */
const conditionLines = ({ at, commit, options, machine, pair, withoutSizes }: Run): readonly string[] => [
  `Measured ${at.slice(0, 10)} at commit ${commit} with \`${options.command}\`: ${options.rounds} rounds, seed ${options.seed}, ` +
    `Node ${machine.node}, ${machine.cores} × ${machine.cpu}. \`empty\` ÷ \`empty\`: ${pair.ratio.toFixed(3)} ` +
    `(the run is void outside ${(1 - pair.tolerance).toFixed(2)} to ${(1 + pair.tolerance).toFixed(2)})` +
    `${pair.isVoid ? ', so **this run is void**' : ''}. ` +
    (withoutSizes === undefined
      ? ''
      : `Lambda's memory sizes could not be emulated here: ${withoutSizes}. `) +
    `Response times: ${Object.entries(options.latencies)
      .map(([name, latency]) => `${name} ${latency}`)
      .join(', ')} ms.`,
];

const figureLines = (figures: readonly Figures[]): readonly string[] => [
  'Milliseconds and megabytes: medians over the rounds, and p50 and p99 over all warm calls.',
  '',
  row(
    'function',
    'size',
    'init',
    '÷ empty',
    'first call',
    'both',
    '÷ typical',
    '÷ lean',
    'warm p50',
    'p99',
    'p99 ÷ p50',
    'peak MB',
    '÷ empty',
  ),
  row('---', '---', ...Array.from({ length: 11 }, () => '---:')),
  ...figures.map((each) => figureRow(each, figures)),
];

const flowLines = ({ flows }: Run): readonly string[] => [
  row('flow', 'outgoing calls', 'AWS calls', 'bundle bytes'),
  row('---', '---', '---:', '---:'),
  ...flows.map(({ name, calls, bundleBytes }) =>
    row(
      name,
      counted(calls),
      String(calls.filter((call) => !call.startsWith('klarna.')).length),
      bundleBytes.toLocaleString('en-US'),
    ),
  ),
];
