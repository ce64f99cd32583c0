import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type LambdaFunction, startFunction } from '../../../local/lambda/lambda-function.ts';

export interface RunningFunction extends LambdaFunction {
  readonly logged: readonly string[];
}

/** Starts a function from this CommonJS source. It and its processes end with the test. */
export function startHandler(
  source: string,
  settings: {
    readonly timeoutSeconds?: number;
    readonly reservedConcurrency?: number;
    readonly environment?: Readonly<Record<string, string>>;
    readonly overrides?: Readonly<Record<string, string>>;
    readonly clockAhead?: () => number;
  } = {},
): RunningFunction {
  const bundle = mkdtempSync(join(tmpdir(), 'lapse-bundle-'));
  writeFileSync(join(bundle, 'index.js'), source);
  const logged: string[] = [];
  const started = startFunction({
    description: {
      id: 'Function',
      name: 'some-function',
      bundle,
      handler: 'index.handler',
      timeoutSeconds: settings.timeoutSeconds ?? 10,
      memoryMegabytes: 256,
      environment: settings.environment ?? {},
      reservedConcurrency: settings.reservedConcurrency,
    },
    region: 'eu-west-1',
    accountId: '000000000000',
    overrides: settings.overrides ?? {},
    ...(settings.clockAhead && { clockAhead: settings.clockAhead }),
    onLog: (line) => logged.push(line),
  });
  onTestFinished(() => {
    started.kill();
    rmSync(bundle, { recursive: true, force: true });
  });
  return { ...started, logged };
}
