/** `npm run bench`: measures the functions against `empty`, `typical` and `lean`, and writes docs/evidence/performance.md, .svg and .json. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { bundleBytes, figuresOf, find } from './figures.ts';
import { forgedMicros } from './forged.ts';
import { type CountedJob, countedJobs, goalsOf } from './goals.ts';
import { whyNoCpuShare } from './lambda/cpu-share.ts';
import { startWorkbench } from './workbench.ts';
import { takePriority } from './priority.ts';
import { pageOf } from './report/page.ts';
import { plotOf } from './report/plot.ts';
import { progressBar } from './progress.ts';
import { provenSample, runRounds, sizes } from './rounds.ts';
import type { Flow, Run } from './run.ts';
import { parseLatencies } from './stand-ins/latencies.ts';
import { sharedWaiting } from './subjects.ts';

const root = join(import.meta.dirname, '..');
const docs = join(root, 'docs', 'evidence');

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seed: { type: 'string' },
    latency: { type: 'string', default: '' },
    only: { type: 'string' },
  },
});
const rounds = Number(flags.rounds ?? (flags.quick ? 2 : 15));
const seed = Number(flags.seed ?? Date.now() % 1_000_000);
const latencies = parseLatencies(flags.latency);
/** A run is invalid if the same function differs from itself by more than this. */
const tolerance = 0.05;
/** Only a run of everything is written, with as many rounds as a stable median needs. The page says how many there were. */
const leastRounds = 15;
const isWhole = rounds >= leastRounds && flags.only === undefined;

takePriority();
const withoutSizes = whyNoCpuShare();
if (withoutSizes !== undefined) console.error(`Without the sizes of Lambda: ${withoutSizes}`);

const folder = await mkdtemp(join(tmpdir(), 'lapse-bench-'));
const workbench = await startWorkbench(folder, latencies);
try {
  const { bundles, standIns } = workbench;
  const subjects = workbench.subjects.filter(
    ({ name }) => flags.only === undefined || new RegExp(flags.only).test(name),
  );

  const flows: Flow[] = [];
  for (const subject of subjects) {
    await provenSample(subject, { bootstrap: bundles.bootstrap, standIns, calls: 2 });
    if (subject.kind === 'empty') continue;
    const { name, calls, sandboxed } = subject;
    flows.push({ name, calls, bundleBytes: bundleBytes(sandboxed.bundle) });
  }
  const measured = await runRounds(subjects, {
    bootstrap: bundles.bootstrap,
    standIns,
    rounds,
    seed,
    sizes: withoutSizes === undefined ? sizes : ['whole'],
    onProgress: progressBar(),
  });
  const figures = measured.map(figuresOf);
  const webhook = workbench.subjects.find(({ name }) => name === 'lapse webhook');
  const awsCallsOf = (name: string): number =>
    workbench.subjects
      .find((each) => each.name === `lapse ${name}`)
      ?.calls.filter((call) => !call.startsWith('klarna.')).length ?? 0;
  const once = find(figures, 'empty nothing, once', 'whole');
  const again = find(figures, 'empty nothing, again', 'whole');
  const ratio = once && again ? again.sum / once.sum : Number.NaN;
  const [cpu] = cpus();
  const run: Run = {
    at: new Date().toISOString(),
    commit: commit(),
    machine: {
      cpu: cpu?.model ?? 'unknown',
      cores: cpus().length,
      kernel: release(),
      memoryMegabytes: Math.round(totalmem() / 1_048_576),
      node: process.version,
      packages: await packageVersions(),
    },
    options: {
      command: ['npm run bench', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(
        ' ',
      ),
      rounds,
      seed,
      latencies,
    },
    pair: { ratio, tolerance, isVoid: !(Math.abs(ratio - 1) <= tolerance) },
    ...(withoutSizes !== undefined && { withoutSizes }),
    goals: goalsOf({
      figures,
      waiting: sharedWaiting(latencies),
      forgedMicros: webhook ? await forgedMicros(webhook) : Number.NaN,
      awsCalls: Object.fromEntries(countedJobs.map((job) => [job, awsCallsOf(job)])) as Record<
        CountedJob,
        number
      >,
    }),
    figures,
    flows,
  };
  const page = pageOf(run);
  console.log(page);
  if (run.pair.isVoid) {
    console.error(
      `Void: the same function took ${ratio.toFixed(3)} times as long as itself. Nothing is written; run it on a quiet machine.`,
    );
    process.exitCode = 2;
  } else if (isWhole) {
    await keep(run, page);
  } else {
    console.error(`Nothing is written: only a run of everything with ${leastRounds} rounds and more is.`);
  }
} finally {
  await workbench.stop();
  await rm(folder, { recursive: true, force: true });
}

/** Writes the three files. The page's part goes between its markers, formatted. */
async function keep(run: Run, page: string): Promise<void> {
  const file = join(docs, 'performance.md');
  const [before = '', , after = ''] = (await readFile(file, 'utf8')).split('<!-- measured -->');
  const whole = `${before}<!-- measured -->\n\n${page}\n\n<!-- measured -->${after}`;
  const style = await resolveConfig(file);
  await writeFile(file, await format(whole, { ...style, parser: 'markdown' }));
  await writeFile(
    join(docs, 'performance.json'),
    await format(
      JSON.stringify(run, (_, value: unknown) => (typeof value === 'number' ? rounded(value) : value)),
      {
        ...style,
        parser: 'json',
      },
    ),
  );
  await writeFile(join(docs, 'performance.svg'), plotOf(run));
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

function commit(): string {
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, { cwd: root }).toString().trim();
  try {
    return (
      git('rev-parse', '--short=12', 'HEAD') +
      (git('status', '--porcelain', '--', 'functions', 'lib', 'bench') === '' ? '' : ' and changes')
    );
  } catch {
    return 'unknown';
  }
}

async function packageVersions(): Promise<Readonly<Record<string, string>>> {
  const { dependencies, devDependencies } = JSON.parse(
    await readFile(join(root, 'package.json'), 'utf8'),
  ) as {
    readonly dependencies: Readonly<Record<string, string>>;
    readonly devDependencies: Readonly<Record<string, string>>;
  };
  return Object.fromEntries(
    Object.entries({ ...dependencies, ...devDependencies }).filter(([name]) =>
      /^(@aws-sdk|@aws-lambda-powertools|@middy|esbuild|valibot|aws-cdk-lib)/.test(name),
    ),
  );
}
