/**
 * `npm run fuzz`: sends requests drawn from the schemas through the real HTTP fronts, and writes its part of
 * docs/evidence/reliability.md.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { forgedMicros } from '../../bench/forged.ts';
import { progressBar } from '../../bench/progress.ts';
import { parseLatencies } from '../../bench/stand-ins/latencies.ts';
import { startWorkbench } from '../../bench/workbench.ts';
import { startLocalProcess } from '../support/local-process.ts';
import { fuzz, type FuzzReport, partnerOptions, unhandledIn } from './drive.ts';

const { values: flags } = parseArgs({
  options: {
    requests: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    /** Sends one request alone, by its number in a run. */
    only: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const seed = Number(flags.seed);
const requests = flags.only === undefined ? Number(flags.requests) : 1;

const data = await mkdtemp(join(tmpdir(), 'lapse-fuzz-'));
const system = await startLocalProcess('--data', data, ...(await partnerOptions(data)));
let report: FuzzReport;
try {
  const bar = progressBar();
  report = await fuzz(system, { seed, from: Number(flags.only ?? 1), requests }, (done) =>
    bar(done, requests, 'requests'),
  );
} finally {
  await system.stop();
}
const unhandled = unhandledIn(await readFile(join(data, 'lapse.log'), 'utf8'));
await rm(data, { recursive: true });

const page = pageOf(report, unhandled, await reject());
process.stdout.write(`${page}\n`);
for (const finding of [...report.findings.slice(0, 20), ...unhandled.slice(0, 20)])
  process.stderr.write(`${finding}\n`);
if (report.findings.length + unhandled.length > 0) process.exitCode = 1;
else if (flags.write) await keep();

/** Microseconds of CPU of a forged webhook, on the deployed bundle. */
async function reject(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'lapse-fuzz-'));
  const workbench = await startWorkbench(folder, parseLatencies(''));
  try {
    const webhook = workbench.subjects.find(({ name }) => name === 'lapse webhook');
    return webhook ? await forgedMicros(webhook) : Number.NaN;
  } finally {
    await workbench.stop();
    await rm(folder, { recursive: true });
  }
}

function pageOf(
  { responses, slowest, findings, memory, requests: sent }: FuzzReport,
  odd: readonly string[],
  micros: number,
): string {
  const row = (...cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  const commit = execFileSync('git', ['rev-parse', '--short=12', 'HEAD']).toString().trim();
  return [
    `\`npm run fuzz -- --requests ${sent} --seed ${seed}\`, commit ${commit}: ${findings.length} findings, ${odd.length} log lines about anything unhandled.`,
    `Average memory of a function process after each fifth of the requests: ${memory.map(Math.round).join(', ')} MB.`,
    '',
    row('route', 'responses', 'slowest, ms'),
    row('---', '---', '---:'),
    ...[...responses]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([route, statuses]) =>
        row(
          `\`${route}\``,
          [...statuses]
            .toSorted(([a], [b]) => a - b)
            .map(([status, count]) => `${status}: ${count}`)
            .join(', '),
          Math.round(slowest.get(route) ?? 0),
        ),
      ),
    '',
    `Rejecting a forged webhook costs the function ${Math.round(micros)} µs of CPU, without the Lambda runtime, and no outgoing call. A thousand a second cost ${Math.round(micros / 10)} % of one core.`,
  ].join('\n');
}

async function keep(): Promise<void> {
  const file = join(import.meta.dirname, '..', '..', 'docs', 'evidence', 'reliability.md');
  const [before = '', , after = ''] = (await readFile(file, 'utf8')).split('<!-- fuzz -->');
  const whole = `${before}<!-- fuzz -->\n\n${page}\n\n<!-- fuzz -->${after}`;
  await writeFile(file, await format(whole, { ...(await resolveConfig(file)), parser: 'markdown' }));
}
