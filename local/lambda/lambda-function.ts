import type { FunctionDescription } from '../template/stack-description.ts';
import type { Invoke } from './invoke.ts';
import { Sandbox } from './sandbox.ts';

export interface LambdaFunctionOptions {
  readonly description: FunctionDescription;
  readonly region: string;
  readonly accountId: string;
  /** Set over what the template says. */
  readonly overrides: Readonly<Record<string, string>>;
  /** By how many milliseconds the function's clock is ahead of the machine's; asked at each invocation. Default: not at all. */
  readonly clockAhead?: () => number;
  readonly onLog: (line: string) => void;
}

export interface LambdaFunction {
  readonly name: string;
  readonly arn: string;
  readonly invoke: Invoke;
  /** How often it was called since the start, and the milliseconds that took altogether. */
  calls(): { readonly calls: number; readonly milliseconds: number };
  /** Starts execution environments ahead of the first calls. */
  warm(count: number): void;
  /** Answers every call as throttled, as reserved concurrency of none does, until it is told otherwise. */
  throttle(on: boolean): void;
  /** Ends every execution environment at once, whatever it is doing. Returns how many. */
  kill(): number;
}

/** Environments that may wait for work; more are ended when their work is done. */
const mostIdle = 4;

/** One function: as many execution environments as there are calls at once, the last one used first. */
export function startFunction(options: LambdaFunctionOptions): LambdaFunction {
  const { description, region, accountId, overrides, clockAhead = () => 0, onLog } = options;
  const { name, bundle, handler, timeoutSeconds, memoryMegabytes, reservedConcurrency } = description;
  const arn = `arn:aws:lambda:${region}:${accountId}:function:${name}`;
  const idle: Sandbox[] = [];
  const all = new Set<Sandbox>();
  let busy = 0;
  let isThrottled = false;
  let calls = 0;
  let milliseconds = 0;

  const environment = {
    ...description.environment,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    ...overrides,
  };
  const start = (): Sandbox => {
    const sandbox = new Sandbox({
      name,
      arn,
      bundle,
      handler,
      timeoutSeconds,
      memoryMegabytes,
      environment,
      clockAhead,
      onLog,
    });
    all.add(sandbox);
    return sandbox;
  };
  const take = (): Sandbox => {
    for (let sandbox = idle.pop(); sandbox; sandbox = idle.pop()) {
      if (!sandbox.hasEnded) return sandbox;
      all.delete(sandbox);
    }
    return start();
  };
  const giveBack = (sandbox: Sandbox): void => {
    if (!sandbox.hasEnded && idle.length < mostIdle) {
      idle.push(sandbox);
      return;
    }
    sandbox.end();
    all.delete(sandbox);
  };
  return {
    name,
    arn,
    async invoke(payload) {
      const isFull = reservedConcurrency !== undefined && busy >= reservedConcurrency;
      if (isThrottled || isFull) return { kind: 'throttled' };
      busy += 1;
      calls += 1;
      const startedAt = performance.now();
      const sandbox = take();
      try {
        const result = await sandbox.invoke(payload);
        if (result.kind === 'error') onLog(`failed with ${result.errorType}: ${result.errorMessage}`);
        return result;
      } finally {
        busy -= 1;
        milliseconds += performance.now() - startedAt;
        giveBack(sandbox);
      }
    },
    calls: () => ({ calls, milliseconds }),
    warm(count) {
      for (let index = 0; index < count; index += 1) idle.push(start());
    },
    throttle(on) {
      isThrottled = on;
    },
    kill() {
      const { size } = all;
      for (const sandbox of all) sandbox.end();
      all.clear();
      idle.length = 0;
      return size;
    },
  };
}
