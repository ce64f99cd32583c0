import type { FunctionDescription } from '../template/stack-description.ts';
import type { Invoke } from './invoke.ts';
import { Sandbox, type SandboxOptions } from './sandbox.ts';

export interface LambdaFunctionOptions {
  readonly description: FunctionDescription;
  readonly region: string;
  readonly accountId: string;
  /** Environment variables that replace those of the template. */
  readonly overrides: Readonly<Record<string, string>>;
  /** By how many milliseconds the function's clock is ahead of the machine's, read at each invocation. Default: 0. */
  readonly clockAhead?: () => number;
  readonly onLog: (line: string) => void;
}

export interface LambdaFunction {
  readonly name: string;
  readonly arn: string;
  readonly invoke: Invoke;
  /** The number of calls since the start, and the milliseconds that they took together. */
  calls(): { readonly calls: number; readonly milliseconds: number };
  /** Starts execution environments before the first calls. */
  warm(count: number): void;
  /** Throttles every call, as a reserved concurrency of 0 does, until switched off. */
  throttle(on: boolean): void;
  /** Kills every execution environment at once. Returns how many there were. */
  kill(): number;
}

/** Idle execution environments to keep; more are ended when their invocation is done. */
const mostIdle = 4;

/** Starts one function. Each concurrent invocation has an execution environment of its own; the one used last is used first. */
export function startFunction(options: LambdaFunctionOptions): LambdaFunction {
  const { description, region, accountId, onLog } = options;
  const { name, reservedConcurrency } = description;
  const arn = `arn:aws:lambda:${region}:${accountId}:function:${name}`;
  const sandboxes = new SandboxPool(() => new Sandbox(sandboxOptions(options, arn)));
  let busy = 0;
  let isThrottled = false;
  let calls = 0;
  let milliseconds = 0;
  return {
    name,
    arn,
    async invoke(payload) {
      const isFull = reservedConcurrency !== undefined && busy >= reservedConcurrency;
      if (isThrottled || isFull) return { kind: 'throttled' };
      busy += 1;
      calls += 1;
      const startedAt = performance.now();
      const sandbox = sandboxes.take();
      try {
        const result = await sandbox.invoke(payload);
        if (result.kind === 'error') onLog(`failed with ${result.errorType}: ${result.errorMessage}`);
        return result;
      } finally {
        busy -= 1;
        milliseconds += performance.now() - startedAt;
        sandboxes.giveBack(sandbox);
      }
    },
    calls: () => ({ calls, milliseconds }),
    warm: (count) => sandboxes.warm(count),
    throttle(on) {
      isThrottled = on;
    },
    kill: () => sandboxes.kill(),
  };
}

const sandboxOptions = (
  { description, region, overrides, clockAhead = () => 0, onLog }: LambdaFunctionOptions,
  arn: string,
): SandboxOptions => ({
  name: description.name,
  arn,
  bundle: description.bundle,
  handler: description.handler,
  timeoutSeconds: description.timeoutSeconds,
  memoryMegabytes: description.memoryMegabytes,
  environment: {
    ...description.environment,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    // Names the function in the user agent of its calls.
    AWS_SDK_UA_APP_ID: description.name,
    ...overrides,
  },
  clockAhead,
  onLog,
});

/** The execution environments of one function. */
class SandboxPool {
  readonly #create: () => Sandbox;
  readonly #idle: Sandbox[] = [];
  readonly #all = new Set<Sandbox>();

  constructor(create: () => Sandbox) {
    this.#create = create;
  }

  take(): Sandbox {
    for (let sandbox = this.#idle.pop(); sandbox; sandbox = this.#idle.pop()) {
      if (!sandbox.hasEnded) return sandbox;
      this.#all.delete(sandbox);
    }
    return this.#start();
  }

  giveBack(sandbox: Sandbox): void {
    if (!sandbox.hasEnded && this.#idle.length < mostIdle) {
      this.#idle.push(sandbox);
      return;
    }
    sandbox.end();
    this.#all.delete(sandbox);
  }

  warm(count: number): void {
    for (let index = 0; index < count; index += 1) this.#idle.push(this.#start());
  }

  kill(): number {
    const { size } = this.#all;
    for (const sandbox of this.#all) sandbox.end();
    this.#all.clear();
    this.#idle.length = 0;
    return size;
  }

  #start(): Sandbox {
    const sandbox = this.#create();
    this.#all.add(sandbox);
    return sandbox;
  }
}
