import { setTimeout as wait } from 'node:timers/promises';
import { type FunctionName, functionNames } from '../../functions/contract/function-name.ts';
import type { SystemResponse, SystemClient } from '../support/system-client.ts';
import { type DeadLetterQueue, deadTimers, unpublishedEvents } from './dead-letters.ts';

/**
 * How long it lasts. `minutes` are minutes of real time. With `hours`, the clock of the whole local system moves in jumps. So
 * every wait passes: deadlines, queues, Klarna's retries, the attempts of the sweep, the age of the stream's records. A call takes
 * its real time. A faster clock would make every time limit of a call too short.
 */
export type Scale = 'seconds' | 'minutes' | 'hours';

/** A fault of the running system that lasts until it is ended. */
export interface Disturbance {
  readonly name: string;
  readonly scale: Scale;
  /** Starts the fault. */
  readonly begin: (lapse: SystemClient) => Promise<unknown>;
  /** Repeats the fault until the signal is aborted. */
  readonly meanwhile?: (lapse: SystemClient, over: AbortSignal) => Promise<void>;
  /** How many hours pass. */
  readonly hours?: number;
  /** SIGKILL to the whole system, which is started again when the disturbance ends. */
  readonly wholeSystem?: true;
  /** The largest difference between two clocks. */
  readonly skewMillis?: number;
  /** Ends the fault but keeps the sweep off until all sessions are over. */
  readonly endWithoutSweep?: (lapse: SystemClient) => Promise<unknown>;
  /** The fault lasts until there are dead letters. Then an operator redrives them under the same load. */
  readonly fills?: DeadLetterQueue;
}

/** Throws if the system refused a fault, because a round without a fault proves nothing. */
export async function taken(response: Promise<SystemResponse>): Promise<void> {
  const { status, body } = await response;
  if (status >= 300) throw new Error(`It was not taken: ${status} ${JSON.stringify(body)}`);
}

const fault = (lapse: SystemClient, target: string, kind: string, more: object = {}): Promise<void> =>
  taken(lapse.control('POST', '/faults', { target, kind, ...more }));

const inKlarna = (lapse: SystemClient, kind: string, more: object = {}): Promise<void> =>
  taken(lapse.simulator('POST', '/faults', { kind, on: 'any', times: 1_000_000, ...more }));

const service = (target: string, kind: string, more: object = {}, scale: Scale = 'seconds'): Disturbance => ({
  name: `${target}: ${kind}`,
  scale,
  begin: (lapse) => fault(lapse, target, kind, { times: 0, ...more }),
});

const klarna = (kind: string, more: object = {}, scale: Scale = 'seconds'): Disturbance => ({
  name: `klarna: ${kind}`,
  scale,
  begin: (lapse) => inKlarna(lapse, kind, more),
});

/** The simulator's process is killed. It starts on the same data after the fault. */
const klarnaIsGone: Disturbance = {
  name: 'klarna: kill -9, connections refused',
  scale: 'seconds',
  begin: (lapse) => fault(lapse, 'klarna', 'refuse'),
};

const killAll = (lapse: SystemClient): Promise<void> => fault(lapse, 'lambda', 'kill');

/** The processes of one function are killed every 300 milliseconds. */
const killedAgainAndAgain = (functionName: FunctionName): Disturbance => ({
  name: `kill -9 of ${functionName}, every 300 ms`,
  scale: 'seconds',
  begin: () => Promise.resolve(),
  async meanwhile(lapse, over) {
    const name = await nameOf(lapse, functionName);
    while (!over.aborted) {
      await fault(lapse, 'lambda', 'kill', { function: name });
      await wait(300);
    }
  },
});

/** Secrets Manager fails for functions that have just started. */
const secretsAndNewFunctions = (kind: string, more: object = {}): Disturbance => ({
  ...service('secretsmanager', kind, more),
  name: `secretsmanager: ${kind}, and new functions`,
  begin: async (lapse) => {
    await fault(lapse, 'secretsmanager', kind, { times: 0, ...more });
    await killAll(lapse);
  },
});

/** Milliseconds by which clocks are wrong, by function. `others` is for the rest. */
const skewed = (
  name: string,
  skews: Partial<Record<FunctionName | 'klarna' | 'others', number>>,
): Disturbance => {
  const all = [0, ...Object.values(skews)];
  return {
    name: `clocks: ${name}`,
    scale: 'seconds',
    skewMillis: Math.max(...all) - Math.min(...all),
    begin: async (lapse) => {
      const skewMs: Record<string, number> = { klarna: skews.klarna ?? 0 };
      for (const each of functionNames) skewMs[await nameOf(lapse, each)] = skews[each] ?? skews.others ?? 0;
      await taken(lapse.control('POST', '/clock', { skewMs }));
    },
  };
};

/** The name that the stack gives to a function. It ends with the name of the file. */
async function nameOf(lapse: SystemClient, functionName: FunctionName): Promise<string> {
  const { body } = await lapse.control('GET', '/clock');
  const names = Object.keys(body['skew_ms'] as object);
  const found = names.find((name) => name.endsWith(functionName));
  if (found === undefined) throw new Error(`No function is called ${functionName}: ${names.join(', ')}.`);
  return found;
}

const lasting = (hours: number, disturbance: Disturbance): Disturbance => ({
  ...disturbance,
  name: `${disturbance.name}, ${hours} h`,
  scale: 'hours',
  hours,
});

const forMinutes = (disturbance: Disturbance): Disturbance => ({ ...disturbance, scale: 'minutes' });

const minute = 60_000;

/** All disturbances of a round. */
export const disturbances: readonly Disturbance[] = [
  { name: 'kill -9 of all functions', scale: 'seconds', begin: killAll },
  ...functionNames.map(killedAgainAndAgain),
  {
    name: 'kill -9 of the whole system',
    scale: 'seconds',
    wholeSystem: true,
    begin: () => Promise.resolve(),
  },
  ...['dynamodb', 'scheduler', 'sqs', 'eventbridge'].flatMap((target) => [
    service(target, 'slow', { delayMs: 1_500 }),
    service(target, 'error'),
    service(target, 'throttle'),
    service(target, 'hang'),
    service(target, 'refuse'),
  ]),
  service('eventbridge', 'partial'),
  secretsAndNewFunctions('slow', { delayMs: 1_500 }),
  secretsAndNewFunctions('error'),
  secretsAndNewFunctions('refuse'),
  klarna('slow', { delayMs: 2_000 }),
  klarna('unavailable'),
  klarna('timeout-error', { effect: true }),
  klarna('reset'),
  klarnaIsGone,
  skewed('each function off by up to a minute, each differently', {
    'register-payment-request': -45_000,
    'get-payment-request': 10_000,
    'cancel-payment-request': minute,
    'receive-klarna-webhook': -30_000,
    'cancel-expired-session': 45_000,
    'reconcile-payment-requests': -minute,
    'publish-state-changes': 30_000,
  }),
  skewed('all functions a minute behind AWS', { others: -minute }),
  skewed('all functions a minute ahead of AWS', { others: minute }),
  skewed('klarna two minutes behind', { klarna: -2 * minute }),
  skewed('klarna two minutes ahead', { klarna: 2 * minute }),

  ...['dynamodb', 'scheduler', 'sqs', 'eventbridge'].map((target) => forMinutes(service(target, 'refuse'))),
  forMinutes(secretsAndNewFunctions('refuse')),
  forMinutes(klarna('unavailable')),
  forMinutes(klarnaIsGone),

  lasting(24, klarna('unavailable')),
  lasting(12, klarnaIsGone),
  lasting(24, service('dynamodb', 'error')),
  lasting(12, service('scheduler', 'refuse')),
  lasting(12, service('sqs', 'refuse')),
  lasting(12, secretsAndNewFunctions('refuse')),
  {
    ...lasting(24, service('eventbridge', 'error')),
    name: 'eventbridge: error, 24 h, then `unpublished replay`',
    fills: unpublishedEvents,
  },
  {
    ...lasting(12, klarna('unavailable')),
    name: 'klarna: unavailable, 12 h, no sweep at all, then `timers redrive`',
    begin: async (lapse) => {
      await inKlarna(lapse, 'unavailable');
      await fault(lapse, 'lambda', 'throttle', {
        function: await nameOf(lapse, 'reconcile-payment-requests'),
      });
    },
    endWithoutSweep: (lapse) => taken(lapse.simulator('DELETE', '/faults')),
    fills: deadTimers,
  },
];

/** Ends all faults. */
export async function endDisturbance(lapse: SystemClient): Promise<void> {
  await taken(lapse.control('DELETE', '/faults'));
  await taken(lapse.simulator('DELETE', '/faults'));
  await taken(lapse.control('POST', '/clock', { skewMs: {} }));
}
