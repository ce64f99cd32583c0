import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { recoveryPlot } from '../simulation/plots.ts';
import type { Scale } from './disturbances.ts';
import type { Round } from './play-round.ts';

const docs = join(import.meta.dirname, '..', '..', 'docs', 'evidence');

/** The unit for the seconds of a round. */
const units: Readonly<Record<Scale, readonly [string, number]>> = {
  seconds: ['s', 1],
  minutes: ['s', 1],
  hours: ['min', 60],
};

const row = (...cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;

/** One row for each round, in the order of their names. */
export function tableOf(rounds: readonly Round[]): string {
  const [first] = rounds;
  const [unit, seconds] = units[first?.scale ?? 'seconds'];
  return [
    row(
      'disturbance',
      'sessions',
      'of them paid',
      'responses checked',
      'webhooks checked',
      'not acknowledged',
      'lost by Klarna',
      'redriven',
      `recovery, ${unit}`,
      'violations',
    ),
    row('---', ...Array.from({ length: 9 }, () => '---:')),
    ...inOrder(rounds).map((round) =>
      row(
        round.disturbance,
        round.sessions,
        round.paid,
        round.responses,
        round.webhooks,
        round.refused,
        round.lost,
        round.redriven,
        Math.round((round.recoverySeconds / seconds) * 10) / 10,
        round.violations.length,
      ),
    ),
  ].join('\n');
}

const inOrder = (rounds: readonly Round[]): readonly Round[] =>
  rounds.toSorted((one, other) => (one.disturbance < other.disturbance ? -1 : 1));

/** The current commit. Read it before a run, because another may follow during the run. */
export const commitNow = (): string =>
  execFileSync('git', ['rev-parse', '--short=12', 'HEAD']).toString().trim();

/** Puts a run's table between its marks in docs/evidence/reliability.md, with its sums, and the plot beside it. */
export async function writeReport(
  scale: Scale,
  rounds: readonly Round[],
  { command, commit }: { readonly command: string; readonly commit: string },
): Promise<void> {
  const sum = (of: (round: Round) => number) =>
    rounds.reduce((whole, round) => whole + of(round), 0).toLocaleString('en');
  const plot = `reliability-recovery-${scale}.svg`;
  const [unit, seconds] = units[scale];
  await writeFile(
    join(docs, plot),
    recoveryPlot(
      inOrder(rounds).map(({ disturbance, recoverySeconds }) => [disturbance, recoverySeconds / seconds]),
      unit,
    ),
  );
  const page = [
    `\`${command}\`, commit ${commit}, Node ${process.version}: ${rounds.length} rounds, ${sum(({ sessions }) => sessions)} sessions, ` +
      `${sum(({ responses }) => responses)} responses to the shop and ${sum(({ webhooks }) => webhooks)} to Klarna checked, ` +
      `**${sum(({ violations }) => violations.length)} violations**.`,
    '',
    `![Recovery after each disturbance](${plot})`,
    '',
    tableOf(rounds),
  ].join('\n');
  const file = join(docs, 'reliability.md');
  const mark = `<!-- chaos: ${scale} -->`;
  const section = await format(page, { ...(await resolveConfig(file)), parser: 'markdown' });
  const [before = '', , after = ''] = (await readFile(file, 'utf8')).split(mark);
  await writeFile(file, `${before}${mark}\n\n${section}\n${mark}${after}`);
}
