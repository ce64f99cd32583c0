import { createControlListener } from './aws/control.ts';
import type { ClockControl } from './clock/clock-control.ts';
import { storedRoutes } from './dynamodb/stored-routes.ts';
import { type Listening, startListening } from './http/start-listening.ts';
import { injectFunctionFault } from './lambda/function-faults.ts';
import type { LocalOptions } from './options.ts';
import type { Klarna } from './start-klarna.ts';
import type { TriggersParts } from './start-triggers.ts';
import type { RecurringSchedule } from './triggers/recurring-schedule.ts';

export interface ControlParts extends TriggersParts {
  readonly klarna: Klarna;
  readonly clocks: ClockControl;
  readonly recurring: readonly RecurringSchedule[];
  /** The outputs of the stack, as an operator's command line reads them. */
  readonly outputs: Readonly<Record<string, string>>;
  /** The log of the functions and the stand-ins. */
  readonly logFile: string;
}

/** Starts the control address, next to the API's port. */
export async function startControl(parts: ControlParts): Promise<Listening> {
  const {
    options,
    running,
    stack,
    dynamodbUrl,
    aws,
    functions,
    klarna,
    clocks,
    recurring,
    outputs,
    logFile,
  } = parts;
  const [table] = stack.tables;
  if (!table) throw new Error('The template does not have a table.');
  const { simulator } = klarna;
  const listener = createControlListener({
    aws,
    clocks,
    outputs,
    logFile,
    stored: running.use(storedRoutes(dynamodbUrl, table.name)),
    injectFunctionFault: (fault) => injectFunctionFault(functions.all(), fault),
    functionCalls: () => Object.fromEntries(functions.all().map((each) => [each.name, each.calls()])),
    runRecurringSchedules: async () => {
      const results = await Promise.all(recurring.map((schedule) => schedule.runNow()));
      return results.map(({ kind }) => kind);
    },
    clearFaults: async () => {
      for (const each of functions.all()) each.throttle(false);
      if (!simulator) return;
      await simulator.restart();
      await simulator.setClock(clocks.aheadOf('klarna'));
    },
    ...(simulator && { forwardKlarnaFault: (fault) => simulator.injectFault(fault) }),
  });
  const control = await startListening(controlPortFor(options), listener);
  running.defer(() => control.close());
  return control;
}

/**
 * The port of the control address: the first after the API's that no flag names. 0, a free one, where the API has a free
 * one.
 */
export function controlPortFor({
  port,
  webhookPort,
  klarnaPort,
  pagePort,
}: Pick<LocalOptions, 'port' | 'webhookPort' | 'klarnaPort' | 'pagePort'>): number {
  if (port === 0) return 0;
  const taken = [port, webhookPort, klarnaPort, pagePort];
  const candidates = [port + 1, port + 2, port + 3, port + 4];
  return candidates.find((candidate) => !taken.includes(candidate) && candidate < 65_536) ?? 0;
}
