import { join } from 'node:path';
import * as v from 'valibot';
import type { ForwardedResponse } from './aws/control.ts';
import type { ConfigurationInput } from './klarna-simulator/configuration.ts';
import { type Environment, livePath } from './klarna-simulator/environment.ts';
import { startKlarnaProcess } from './klarna-simulator/process.ts';
import { closedObject, violationOf, wholeNumber } from './shared/checked-json.ts';
import { callJson } from './shared/json-call.ts';
import type { StartParts } from './start-parts.ts';

/** The fault that ends the simulator. It lasts until faults are cleared. */
const refusalSchema = closedObject({
  kind: v.literal('refuse'),
  times: v.exactOptional(wholeNumber(0, 0), 0),
});

/** The Klarna that the functions call. */
export interface Klarna {
  /** Without a slash at its end. */
  readonly url: string;
  /** The address of each environment. Another Klarna has one address for both. */
  readonly urls: Readonly<Record<Environment, string>>;
  /** Undefined where `--klarna-url` names another Klarna: it has no clock to set and no faults to inject. */
  readonly simulator: RunningSimulator | undefined;
}

export interface RunningSimulator {
  /** Sets by how many milliseconds its clock is ahead of the machine's. */
  setClock(aheadMs: number): Promise<void>;
  /** Injects a fault, given without its target. */
  injectFault(fault: Readonly<Record<string, unknown>>): Promise<ForwardedResponse>;
  /** Starts it again if the fault `refuse` ended it. */
  restart(): Promise<void>;
}

/** Starts the simulator, unless `--klarna-url` takes its place. */
export async function startKlarna(
  { options, data, clock, running, logAs }: StartParts,
  configuration: ConfigurationInput,
): Promise<Klarna> {
  if (options.klarnaUrl !== undefined) {
    const url = options.klarnaUrl.replace(/\/+$/, '');
    return { url, urls: { test: url, live: url }, simulator: undefined };
  }
  const simulator = await startKlarnaProcess({
    port: options.klarnaPort,
    dataDirectory: join(data, 'klarna'),
    configuration: { ...configuration, clockAheadMs: clock.ahead },
    onLog: logAs('klarna'),
  });
  running.defer(() => simulator.stop());
  const control = `${simulator.url}/_simulator`;
  return {
    url: simulator.url,
    urls: { test: simulator.url, live: `${simulator.url}${livePath}` },
    simulator: {
      async setClock(aheadMs) {
        await callJson('POST', `${control}/settings`, { clockAheadMs: aheadMs }).catch((error: unknown) =>
          logAs('klarna')(`its clock was not set: ${String(error)}`),
        );
      },
      async injectFault(fault) {
        if (fault['kind'] !== 'refuse') return callJson('POST', `${control}/faults`, fault);
        const { issues } = v.safeParse(refusalSchema, fault);
        if (issues) return { status: 400, body: { error: violationOf(issues[0]) } };
        await simulator.kill();
        return { status: 201, body: fault };
      },
      restart: () => simulator.start(),
    },
  };
}
