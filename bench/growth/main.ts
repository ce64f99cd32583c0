/**
 * `npm run growth`: measures how each cost grows with the number of open sessions, a flash sale, and a catch-up. Writes
 * docs/evidence/scale.md.
 */
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { progressBar } from '../progress.ts';
import { type AtSize, catchUp, flashSale, klarnaMillis, measureAt } from './measure.ts';
import { growthPage, growthPlot, type GrowthRun } from './page.ts';
import { oneCredential } from './one-credential.ts';
import { partners } from './partners.ts';
import { sweepAlone } from './sweep-alone.ts';
import { newId, startSystem, type System } from './system.ts';

const root = join(import.meta.dirname, '..', '..');
const docs = join(root, 'docs', 'evidence');
const hours47 = 47 * 3_600_000;

const { values: flags } = parseArgs({
  options: {
    sessions: { type: 'string', default: '100000' },
    sale: { type: 'string', default: '10000' },
    times: { type: 'string', default: '300' },
    accounts: { type: 'string', default: '10000' },
    /** Measures one part alone: `sizes`, `flashSale`, `catchUp`, `sweepAlone`, `partners` or `oneCredential`. The others keep their last figures. */
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
});
const most = flags.quick ? 1_000 : Number(flags.sessions);
const sale = flags.quick ? 200 : Number(flags.sale);
const times = flags.quick ? 40 : Number(flags.times);
const accounts = flags.quick ? 200 : Number(flags.accounts);
/** Sessions of a noisy account, and those of a flash sale over so many accounts. */
const full = { noisy: 10_000, sale: 50_000, accounts: 1_000 };
const small = { noisy: 1_000, sale: 2_000, accounts: 100 };

const parts = {
  sizes: () => inSystem(sizes),
  flashSale: () =>
    inSystem((system) => {
      const bar = progressBar();
      return flashSale(system, sale, (done, what) => bar(done, sale, what));
    }),
  catchUp: () =>
    inSystem((system) => {
      const bar = progressBar();
      return catchUp(system, sale, (done) => bar(done, sale, 'caught up'));
    }),
  sweepAlone: () => sweepAlone(klarnaMillis),
  partners: () => {
    const bar = progressBar();
    return partners(accounts, (done) => bar(done, accounts, 'accounts'));
  },
  oneCredential: () => {
    const bar = progressBar();
    return oneCredential(flags.quick ? small : full, (done, what) => bar(done, 3, what));
  },
};

const file = join(docs, 'scale.json');
let run = JSON.parse(await readFile(file, 'utf8').catch(() => '{}')) as Partial<GrowthRun>;
for (const [name, measure] of Object.entries(parts)) {
  if (flags.only !== undefined && flags.only !== name) continue;
  const measured: unknown = await measure();
  run = {
    ...run,
    commit: execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], { cwd: root }).toString().trim(),
    machine: `${cpus().length} cores of ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`,
    [name]: measured,
  };
  if (!flags.quick) await writeFile(file, await formatted(JSON.stringify(run), 'json'));
}
if (isWhole(run)) {
  const page = growthPage(run);
  console.log(page);
  if (flags.quick) console.error('Nothing is written: only a whole run is.');
  else await keep(run, page);
}

function isWhole(measured: Partial<GrowthRun>): measured is GrowthRun {
  return measured.sizes !== undefined && measured.flashSale !== undefined;
}

async function inSystem<Result>(measure: (system: System) => Promise<Result>): Promise<Result> {
  const system = await startSystem();
  try {
    return await measure(system);
  } finally {
    await system.stop();
  }
}

/** From one open session to the most, with ten or a hundred times as many at each step. */
async function sizes(system: System): Promise<readonly AtSize[]> {
  const measured: AtSize[] = [];
  const steps = [1, 1_000, 10_000, 100_000].filter((step) => step <= most);
  const bar = progressBar();
  let open = 0;
  for (const [index, step] of steps.entries()) {
    bar(index, steps.length, `${step} open sessions`);
    await system.seed(Array.from({ length: step - open }, newId), Date.now() + hours47);
    open = step;
    await system.atRest();
    measured.push(await measureAt(system, step, times));
  }
  bar(steps.length, steps.length, 'measured');
  return measured;
}

/** Writes the page's part between its markers, and the plot. */
async function keep(whole: GrowthRun, page: string): Promise<void> {
  const target = join(docs, 'scale.md');
  const [before = '', , after = ''] = (await readFile(target, 'utf8')).split('<!-- measured -->');
  const text = `${before}<!-- measured -->\n\n${page}\n\n<!-- measured -->${after}`;
  await writeFile(target, await formatted(text, 'markdown'));
  await writeFile(join(docs, 'scale.svg'), growthPlot(whole));
}

/** Formatted as the formatter wants it. */
async function formatted(text: string, parser: 'json' | 'markdown'): Promise<string> {
  return format(text, { ...(await resolveConfig(join(docs, 'scale.md'))), parser });
}
