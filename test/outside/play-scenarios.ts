import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { checkedJson } from '../../local/shared/checked-json.ts';
import type { DeploymentParts } from './deployment.ts';
import { runProgram } from '../support/run-program.ts';

/** Which scenarios are played, and on what. */
export interface Play {
  /** The file that `TARGET` names. */
  readonly target: string;
  /** What Vitest selects by. */
  readonly filters: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Further options for Vitest, such as a reporter with its file. */
  readonly vitestOptions?: readonly string[];
}

/** Plays scenarios on a deployed stage, and returns how many passed. Throws with their output when one fails. */
export async function playScenarios(
  { emulator, folder }: DeploymentParts,
  { target, filters, environment = {}, vitestOptions = [] }: Play,
): Promise<number> {
  const option = '--outputFile.json=';
  const given = vitestOptions.find((each) => each.startsWith(option))?.slice(option.length);
  const report = given ?? join(folder, 'scenarios.json');
  const reporters =
    given === undefined ? ['--reporter=default', '--reporter=json', `${option}${report}`] : [];
  await runProgram(
    'npm',
    [
      'run',
      '--silent',
      'vitest',
      '--',
      'run',
      '--project=scenarios',
      ...filters,
      ...reporters,
      ...vitestOptions,
    ],
    { environment: { ...emulator.environment, ...environment, TARGET: target } },
  );
  const read = checkedJson(v.object({ numPassedTests: v.number() }), await readFile(report, 'utf8'));
  if (!('value' in read)) throw new Error(`${report}: ${read.violation}`);
  return read.value.numPassedTests;
}
