/**
 * `npm run cost`: traces each flow on the local system, prices it, and writes the tables of docs/evidence/cost.md. `--sessions`
 * sets how many sessions of each flow; a run with fewer than 20 prints and writes nothing.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { metrics } from '../../functions/contract/metric-names.ts';
import { readStack } from '../../local/template/read-stack.ts';
import { synthesize } from '../../local/template/synthesize.ts';
import { startLocalProcess } from '../../test/support/local-process.ts';
import { SystemClient } from '../../test/support/system-client.ts';
import { fixedCosts, templateCosts } from './fixed.ts';
import { flows } from './flows.ts';
import { costGoals } from './goals.ts';
import { measureJobs } from './jobs.ts';
import { leanUsage, typicalUsage } from './peers.ts';
import { priceOfJob } from './price-of-job.ts';
import { dollarsOf } from './prices.ts';
import { takePriority } from '../priority.ts';
import { startRecordedDatabase } from './recorded-database.ts';
import { costPage } from './report.ts';
import { type Trace, traceFlow } from './trace.ts';
import { durableFunctionsCost, stepFunctionsCost } from './workflow-services.ts';

const root = join(import.meta.dirname, '..', '..');
const page = join(root, 'docs', 'evidence', 'cost.md');
const { values: flags } = parseArgs({ options: { sessions: { type: 'string', default: '20' } } });
const sessions = Number(flags.sessions);
const isWhole = sessions >= 20;

takePriority();
const { cdkOut } = await synthesize(root);
const template = await templateCosts(cdkOut);
const stack = await readStack(cdkOut, { awsUrl: '' });
const memoryOf = new Map(stack.functions.map(({ name, memoryMegabytes }) => [name, memoryMegabytes]));

console.error('each function alone, from the benchmark…');
const benchFolder = await mkdtemp(join(tmpdir(), 'lapse-cost-bench-'));
const jobs = await measureJobs(benchFolder, [
  'lapse register',
  'lapse webhook',
  'lapse cancel',
  'lapse timer',
  'lapse publish',
  'lapse sweep, nothing due',
  'typical webhook',
  'typical cancel',
  'lean register',
  'lean webhook',
  'lean cancel',
  'lean timer',
  'lean timer, paid',
]).finally(() => rm(benchFolder, { recursive: true, force: true }));
const traces = await traceAll();

const reported = flows.map((flow) => {
  const trace = traces.get(flow.name) ?? fail(`${flow.name} was not traced`);
  const { deliveries } = trace;
  const typical = typicalUsage(
    { webhook: jobs['typical webhook'], cancel: jobs['typical cancel'] },
    flow,
    deliveries,
  );
  const lean = leanUsage(
    {
      register: jobs['lean register'],
      webhook: jobs['lean webhook'],
      cancel: jobs['lean cancel'],
      timer: jobs['lean timer'],
      'timer, paid': jobs['lean timer, paid'],
    },
    flow,
    deliveries,
  );
  return {
    name: flow.name,
    trace,
    typical,
    lean,
    stepFunctions: stepFunctionsCost(typical, dollarsOf(typical)),
    durableFunctions: durableFunctionsCost(flow, typical, dollarsOf(typical)),
  };
});
// All of them, although CloudWatch bills the metrics of faults only for the hours that have one.
const customMetrics = Object.keys(metrics).length;
const fixed = fixedCosts(template, customMetrics, sweepCost());
const text = costPage({
  conditions: `Traced ${new Date().toISOString().slice(0, 10)} at commit ${commit()}: ${sessions} sessions of each flow.`,
  flows: reported,
  goals: costGoals({ flows: reported, template, customMetrics, fixed }),
  fixed,
});
console.log(text);
if (isWhole) {
  const [before = '', , after = ''] = (await readFile(page, 'utf8')).split(/<!-- traced -->/);
  const whole = `${before}<!-- traced -->\n\n${text}\n\n<!-- traced -->${after}`;
  await writeFile(page, await format(whole, { ...(await resolveConfig(page)), parser: 'markdown' }));
} else {
  console.error('Nothing is written: only a run of 20 sessions and more is.');
}

async function traceAll(): Promise<ReadonlyMap<string, Trace>> {
  const data = await mkdtemp(join(tmpdir(), 'lapse-cost-'));
  const database = await startRecordedDatabase(join(data, 'engine'));
  process.env['LAPSE_DYNAMODB_URL'] = database.url;
  const system = await startLocalProcess('--data', join(data, 'system'));
  const traced = new Map<string, Trace>();
  try {
    const lapse = new SystemClient(system);
    for (const [index, flow] of flows.entries()) {
      console.error(`${index + 1}/${flows.length} ${flow.name}: ${sessions} sessions, about two minutes…`);
      const trace = await traceFlow(flow, {
        system,
        lapse,
        database,
        sessions,
        logFile: join(data, 'system', 'lapse.log'),
        memoryOf,
        hasQuietPlatform: template.hasQuietPlatform,
        accessLogBytes: template.accessLogBytes,
        millisOf: {
          'register-payment-request': jobs['lapse register'].millis,
          'receive-klarna-webhook': jobs['lapse webhook'].millis,
          'cancel-payment-request': jobs['lapse cancel'].millis,
          'cancel-expired-session': jobs['lapse timer'].millis,
          'publish-state-changes': jobs['lapse publish'].millis,
        },
      });
      traced.set(flow.name, trace);
    }
  } finally {
    await system.stop();
    await database.close();
    await rm(data, { recursive: true, force: true });
  }
  return traced;
}

/** A month of sweeps that find nothing. */
function sweepCost() {
  const job = jobs['lapse sweep, nothing due'];
  const [schedule] = stack.recurringSchedules;
  const count = (30 * 86_400) / (schedule?.everySeconds ?? fail('the stack has no sweep'));
  const each = priceOfJob({
    calls: [...job.calls, 'scheduler.firing'],
    millis: job.millis,
    memoryMegabytes: memoryOf.get('reconcile-payment-requests') ?? 0,
    writeUnits: 1,
    behindApi: false,
  });
  return { what: 'sweeps that find nothing', count, dollars: (each * count) / 1_000_000 };
}

function commit(): string {
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, { cwd: root }).toString().trim();
  try {
    const isChanged = git('status', '--porcelain', '--', 'functions', 'lib', 'bench') !== '';
    return git('rev-parse', '--short=12', 'HEAD') + (isChanged ? ' and changes' : '');
  } catch {
    return 'unknown';
  }
}

function fail(message: string): never {
  throw new Error(message);
}
