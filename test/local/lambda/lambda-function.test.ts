import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { injectFunctionFault } from '../../../local/lambda/function-faults.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { startHandler } from './handler-bundle.ts';

const pidOf = 'exports.handler = async () => process.pid;';

describe('an invocation', () => {
  it('an invocation passes the payload to the handler and returns its response', async () => {
    const echo = startHandler('exports.handler = async (event) => ({ got: event });');
    expect(await echo.invoke({ a: [1, 'ü'] })).toEqual({
      kind: 'response',
      payload: { got: { a: [1, 'ü'] } },
    });
  });

  it('an invocation without a response returns null', async () => {
    const silent = startHandler('exports.handler = async () => {};');
    expect(await silent.invoke({})).toEqual({ kind: 'response', payload: null });
  });

  it('an invocation tells the handler its remaining time and its name', async () => {
    const told = startHandler(
      'exports.handler = async (_, context) => [context.getRemainingTimeInMillis(), context.functionName, context.invokedFunctionArn];',
      { timeoutSeconds: 5 },
    );
    const result = await told.invoke({});
    const [remaining, name, arn] = (result.kind === 'response' ? result.payload : []) as [
      number,
      string,
      string,
    ];
    expect(remaining).toBeGreaterThan(3_000);
    expect(remaining).toBeLessThanOrEqual(5_000);
    expect([name, arn]).toEqual(['some-function', told.arn]);
  });

  it('an invocation keeps the clock it began with, and the next one has the new clock', async () => {
    let ahead = 3_600_000;
    const clock = startHandler(
      `exports.handler = async (_, context) => {
        const seen = [Date.now(), new Date().getTime(), new Date(0).getTime()];
        return [...seen, context.getRemainingTimeInMillis()];
      };`,
      { clockAhead: () => ahead },
    );
    const tell = async () => {
      const result = await clock.invoke({});
      return (result.kind === 'response' ? result.payload : []) as [number, number, number, number];
    };
    for (ahead of [3_600_000, -60_000]) {
      const [now, made, given, remaining] = await tell();
      for (const each of [now, made]) expect(Math.abs(each - Date.now() - ahead)).toBeLessThan(5_000);
      expect(given).toBe(0);
      expect(remaining).toBeGreaterThan(5_000);
      expect(remaining).toBeLessThanOrEqual(10_000);
    }
  });

  it('a later invocation uses the same process', async () => {
    const same = startHandler(pidOf);
    expect(await same.invoke({})).toEqual(await same.invoke({}));
  });

  it('a concurrent invocation has a process of its own', async () => {
    const slow = startHandler(
      'exports.handler = async () => { await new Promise((r) => setTimeout(r, 300)); return process.pid; };',
    );
    const results = await Promise.all([slow.invoke({}), slow.invoke({}), slow.invoke({})]);
    expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(3);
  });

  it('an invocation beyond the reserved concurrency is throttled', async () => {
    const one = startHandler('exports.handler = () => new Promise((r) => setTimeout(r, 300));', {
      reservedConcurrency: 1,
    });
    const first = one.invoke({});
    expect(await one.invoke({})).toEqual({ kind: 'throttled' });
    expect(await first).toMatchObject({ kind: 'response' });
  });
});

describe('a failed invocation', () => {
  it.each([
    ["exports.handler = async () => { throw new TypeError('broken'); };", 'TypeError', 'broken'],
    [
      'exports.handler = async () => process.exit(3);',
      'Runtime.ExitError',
      'the process ended with exit code 3',
    ],
    [
      "exports.handler = async () => process.kill(process.pid, 'SIGKILL');",
      'Runtime.ExitError',
      'the process ended with SIGKILL',
    ],
    ["throw new RangeError('no start');", 'RangeError', 'no start'],
    ['exports.another = 1;', 'Error', 'index.handler is not a function'],
  ])('an invocation fails: %s', async (source, errorType, errorMessage) => {
    const failing = startHandler(source);
    expect(await failing.invoke({})).toEqual({ kind: 'error', errorType, errorMessage });
    expect(failing.logged).toContain(`failed with ${errorType}: ${errorMessage}`);
  });

  it('an invocation fails at the time limit, and its process is not used again', async () => {
    const stuck = startHandler(
      'exports.handler = (event) => event.hang ? new Promise(() => setInterval(() => {}, 99)) : process.pid;',
      { timeoutSeconds: 1 },
    );
    const before = await stuck.invoke({});
    expect(await stuck.invoke({ hang: true })).toMatchObject({
      kind: 'error',
      errorType: 'Sandbox.Timedout',
    });
    const after = await stuck.invoke({});
    expect(after).toMatchObject({ kind: 'response' });
    expect(after).not.toEqual(before);
  });

  it('an invocation fails at the time limit even in a loop that never yields', async () => {
    const busy = startHandler('exports.handler = () => { for (;;); };', { timeoutSeconds: 1 });
    expect(await busy.invoke({})).toMatchObject({ errorType: 'Sandbox.Timedout' });
  });

  it('an invocation fails when the function is killed, and the next one succeeds', async () => {
    const killed = startHandler(
      'exports.handler = (event) => event.hang ? new Promise(() => setInterval(() => {}, 99)) : 1;',
    );
    await killed.invoke({});
    const hanging = killed.invoke({ hang: true });
    const response = await injectFunctionFault([killed], { kind: 'kill', function: 'some-function' });
    expect(response).toEqual({ status: 201, body: { killed: 1 } });
    expect(await hanging).toMatchObject({ errorType: 'Runtime.ExitError' });
    expect(await killed.invoke({})).toEqual({ kind: 'response', payload: 1 });
  });
});

it('a fault throttles the calls of a function until it is cleared', async () => {
  const throttled = startHandler(pidOf);
  await injectFunctionFault([throttled], { kind: 'throttle' });
  expect(await throttled.invoke({})).toEqual({ kind: 'throttled' });
  throttled.throttle(false);
  expect(await throttled.invoke({})).toMatchObject({ kind: 'response' });
});

it.each([{ kind: 'kill', function: 'missing' }, { kind: 'maim' }, {}])(
  'the fault %j is refused with what is allowed',
  async (fault) => {
    const { status, body } = await injectFunctionFault([startHandler(pidOf)], fault);
    expect(status).toBe(400);
    expect(JSON.stringify(body)).toContain('some-function');
  },
);

it('a process has the environment of the template with the overrides, and nothing of its parent', async () => {
  process.env['LAPSE_TEST_LEAK'] = 'leaked';
  const told = startHandler('exports.handler = async () => process.env;', {
    environment: { TABLE_NAME: 'table', KLARNA_TEST_URL: 'https://klarna.example' },
    overrides: { KLARNA_TEST_URL: 'http://127.0.0.1:1' },
  });
  const result = await told.invoke({});
  const environment = (result.kind === 'response' ? result.payload : {}) as Record<string, string>;
  expect(environment).toMatchObject({
    TABLE_NAME: 'table',
    KLARNA_TEST_URL: 'http://127.0.0.1:1',
    AWS_REGION: 'eu-west-1',
    AWS_LAMBDA_FUNCTION_NAME: 'some-function',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
  });
  expect(environment).not.toHaveProperty('LAPSE_TEST_LEAK');
  delete process.env['LAPSE_TEST_LEAK'];
});

it('a process has the heap that Lambda gives a function of its size', async () => {
  const told = startHandler('exports.handler = async () => process.execArgv;');
  const payload = ['--max-semi-space-size=12', '--max-old-space-size=231'];
  expect(await told.invoke({})).toEqual({ kind: 'response', payload });
});

it('the output of a function is logged line by line', async () => {
  const talking = startHandler(
    "exports.handler = async () => { console.log('one'); console.error('two'); };",
  );
  await talking.invoke({});
  await expect.poll(() => talking.logged).toEqual(expect.arrayContaining(['one', 'two']));
});

it('the processes of a function end when the parent is killed', async () => {
  const script = `
    import { startFunction } from ${JSON.stringify(new URL('../../../local/lambda/lambda-function.ts', import.meta.url).href)};
    import { writeFileSync } from 'node:fs';
    const bundle = ${JSON.stringify(await temporaryFolder())};
    writeFileSync(bundle + '/index.js', ${JSON.stringify(pidOf)});
    const { invoke } = startFunction({
      description: { id: 'F', name: 'f', bundle, handler: 'index.handler', timeoutSeconds: 5, memoryMegabytes: 128, environment: {}, reservedConcurrency: undefined },
      region: 'r', accountId: '0', overrides: {}, onLog: console.error,
    });
    console.log((await invoke({})).payload);`;
  const parent = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  expect(isAlive(pid)).toBe(true);
  parent.kill('SIGKILL');
  await expect.poll(() => isAlive(pid), { timeout: 5_000 }).toBe(false);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
