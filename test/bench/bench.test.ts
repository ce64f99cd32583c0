import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { runSample } from '../../bench/lambda/sample.ts';
import { provenSample } from '../../bench/rounds.ts';
import { startWorkbench } from '../../bench/workbench.ts';
import { readStack } from '../../local/template/read-stack.ts';
import { synthesize } from '../../local/template/synthesize.ts';

const quick = { dynamodb: 1, scheduler: 1, sqs: 1, eventbridge: 1, secretsmanager: 1, klarna: 1 };
const folder = mkdtempSync(join(tmpdir(), 'lapse-bench-'));
const workbench = await startWorkbench(folder, quick);
afterAll(async () => {
  await workbench.stop();
  rmSync(folder, { recursive: true });
});

const code = (bundle: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(bundle)
      .filter((file) => !file.endsWith('.map'))
      .map((file) => [file, readFileSync(join(bundle, file), 'base64')]),
  );

it('the benchmark measures the deployed bundles', async () => {
  const { cdkOut } = await synthesize(join(import.meta.dirname, '..', '..'));
  const { functions } = await readStack(cdkOut, { awsUrl: '' });
  expect(functions).toHaveLength(Object.keys(workbench.bundles.functions).length);
  for (const { name, bundle } of functions) {
    const benched = Object.entries(workbench.bundles.functions).find(([each]) => each === name);
    expect(code(benched?.[1] ?? ''), name).toEqual(code(bundle));
  }
});

it.each(workbench.subjects)('the benchmark of $name makes exactly its calls', async (subject) => {
  const { calls } = await provenSample(subject, {
    bootstrap: workbench.bundles.bootstrap,
    standIns: workbench.standIns,
    calls: 2,
  });
  expect(calls).toHaveLength(2);
});

it.each(workbench.subjects.filter(({ kind }) => kind === 'lapse'))(
  '$name reads only its secret before its first event',
  async ({ sandboxed, once }) => {
    workbench.standIns.takeLog();
    await runSample({ ...sandboxed, bootstrap: workbench.bundles.bootstrap }, [], undefined);
    const called = workbench.standIns.takeLog().map(({ call }) => call);
    expect(once).toEqual(expect.arrayContaining(called));
  },
);

it('the typical cancel makes the calls of Lapse and those of Powertools', () => {
  const of = (name: string) => workbench.subjects.find((subject) => subject.name === name)?.calls ?? [];
  expect(of('lapse cancel')).not.toEqual([]);
  expect(new Set(of('typical cancel'))).toEqual(new Set([...of('lapse cancel'), 'dynamodb.PutItem']));
});

it('the lean cancel makes the calls of Lapse with one write fewer', () => {
  const of = (name: string) => workbench.subjects.find((subject) => subject.name === name)?.calls ?? [];
  expect([...of('lean cancel'), 'dynamodb.UpdateItem'].toSorted()).toEqual(of('lapse cancel'));
});

it.each(Object.entries(workbench.bundles.peers).filter(([name]) => name.startsWith('lean-')))(
  'the bundle of %s is one minified ES module with the SDK inside',
  (_, bundle) => {
    expect(readdirSync(bundle)).toEqual(['index.mjs']);
    const text = readFileSync(join(bundle, 'index.mjs'), 'utf8');
    const imported = [...text.matchAll(/\bfrom ?"([^"]+)"/g)].map(([, name = '']) => name);
    expect(imported.filter((name) => !isBuiltin(name))).toEqual([]);
    expect(text).toContain('ConditionExpression');
    expect(text.split('\n').length).toBeLessThan(200);
  },
);

it('the lean functions write one structured log line a call', async () => {
  for (const subject of workbench.subjects.filter(({ kind }) => kind === 'lean')) {
    const file = join(folder, 'lean.log');
    const log = openSync(file, 'w');
    await provenSample(
      { ...subject, sandboxed: { ...subject.sandboxed, stdout: log } },
      { bootstrap: workbench.bundles.bootstrap, standIns: workbench.standIns, calls: 3 },
    );
    closeSync(log);
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    expect(lines, subject.name).toHaveLength(3);
    for (const line of lines) expect(JSON.parse(line), subject.name).toHaveProperty('request_id');
  }
});
