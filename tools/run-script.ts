import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import path from 'node:path';

/** A step of `npm run check` or `npm run verify`. */
export interface Step {
  /** A script of package.json, with what follows `--`. */
  readonly script: string;
  readonly parameters?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** What the line of the step says. Default: the name of the script. */
  readonly title?: string;
  /** Whether the script runs Vitest, whose tests are counted. */
  readonly hasTests?: boolean;
}

/** How a step ended. A step without tests, or whose tests did not start, counts as one failure when it fails. */
export interface StepResult {
  readonly isPassed: boolean;
  readonly passed: number;
  readonly failed: number;
}

const folder = path.join('.cache', 'steps');

/** Runs a step and prints one line with its seconds, and before that, when it fails, all that it printed. */
export async function runStep(step: Step): Promise<StepResult> {
  const { script, parameters = [], environment = {}, title = script, hasTests = false } = step;
  const name = title.replaceAll(/[^a-z0-9]+/gi, '-');
  const report = path.join(folder, `${name}.json`);
  mkdirSync(folder, { recursive: true });
  rmSync(report, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const started = performance.now();
  const child = spawn(
    'npm',
    ['run', '--silent', script, '--', ...parameters, ...(hasTests ? reporters : [])],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } },
  );
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  const isPassed = code === 0;
  writeFileSync(path.join(folder, `${name}.log`), Buffer.concat(output));
  if (!isPassed) process.stdout.write(Buffer.concat(output));
  const counts = hasTests ? countsIn(report) : { passed: 0, failed: 0 };
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${isPassed ? '✓' : '✗'} ${title}  ${seconds} s${hasTests ? `, ${counts.passed} tests` : ''}`);
  return { isPassed, passed: counts.passed, failed: isPassed ? 0 : Math.max(1, counts.failed) };
}

/** No tests when Vitest wrote no report, since it did not come that far. */
function countsIn(report: string): { readonly passed: number; readonly failed: number } {
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8')) as {
      readonly numPassedTests: number;
      readonly numFailedTests: number;
    };
    return { passed: numPassedTests, failed: numFailedTests };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { passed: 0, failed: 0 };
    throw error;
  }
}

/** Runs steps one after the other, whatever becomes of the earlier ones. */
export async function runSteps(steps: readonly Step[]): Promise<StepResult[]> {
  const results: StepResult[] = [];
  for (const step of steps) results.push(await runStep(step));
  return results;
}

/** Prints the sum of all tests as the last line, and makes the process fail when a step has failed. */
export function finish(results: readonly StepResult[]): void {
  const sum = (of: 'passed' | 'failed'): number => results.reduce((total, result) => total + result[of], 0);
  console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
  if (results.some(({ isPassed }) => !isPassed)) process.exitCode = 1;
}
