import { setTimeout as wait } from 'node:timers/promises';
import { environments } from '../../functions/runtime/environment.ts';
import type { Answer, SystemClient } from '../support/system-client.ts';

/** Something that goes wrong in the running system, and for as long as nobody ends it. */
export interface Disturbance {
  readonly name: string;
  /** Lets it go wrong. */
  readonly begin: (lapse: SystemClient) => Promise<unknown>;
  /** SIGKILL to the whole system, which is started again when the disturbance ends. */
  readonly wholeSystem?: true;
}

/** A fault that was not taken would make a round of peace look like one of recovery. */
async function taken(answer: Promise<Answer>): Promise<void> {
  const { status, body } = await answer;
  if (status >= 300) throw new Error(`The fault was not taken: ${status} ${JSON.stringify(body)}`);
}

const service = (target: string, kind: string, more: object = {}): Disturbance => ({
  name: `${target}: ${kind}`,
  begin: (lapse) => taken(lapse.control('POST', '/faults', { target, kind, times: 0, ...more })),
});

const klarna = (kind: string, more: object = {}): Disturbance => ({
  name: `klarna: ${kind}`,
  begin: (lapse) => taken(lapse.simulator('POST', '/faults', { kind, on: 'any', times: 1_000_000, ...more })),
});

const killed: Disturbance = {
  name: 'kill -9 of all functions',
  begin: (lapse) => taken(lapse.control('POST', '/faults', { target: 'lambda', kind: 'kill' })),
};

/** One function's processes are killed again and again, whatever they are doing. */
const killedAgainAndAgain = (functionName: string): Disturbance => ({
  name: `kill -9 of ${functionName}, every 300 ms`,
  begin: async (lapse) => {
    const kill = () =>
      taken(lapse.control('POST', '/faults', { target: 'lambda', kind: 'kill', function: functionName }));
    await kill();
    for (let times = 0; times < 8; times += 1) {
      await wait(300);
      await kill();
    }
  },
});

/** Klarna's waits, 21 hours and a half together, pass in less than four seconds. */
const scaleOfADay = 20_000;

/** Everything a round may meet. */
export const disturbances: readonly Disturbance[] = [
  killed,
  ...Object.keys(environments).map(killedAgainAndAgain),
  {
    name: 'kill -9 of the whole system',
    wholeSystem: true,
    begin: () => Promise.resolve(),
  },
  service('dynamodb', 'error'),
  service('dynamodb', 'throttle'),
  service('dynamodb', 'slow', { delayMs: 1_500 }),
  service('dynamodb', 'hang'),
  service('scheduler', 'error'),
  service('scheduler', 'hang'),
  service('sqs', 'error'),
  service('eventbridge', 'error'),
  service('eventbridge', 'partial'),
  {
    name: 'secretsmanager: error, and new functions',
    begin: async (lapse) => {
      await service('secretsmanager', 'error').begin(lapse);
      await killed.begin(lapse);
    },
  },
  klarna('unavailable'),
  klarna('timeout-error', { effect: true }),
  klarna('reset'),
  klarna('slow', { delayMs: 2_000 }),
  {
    name: 'dynamodb: error, for longer than Klarna delivers',
    begin: async (lapse) => {
      await lapse.simulator('POST', '/settings', { clockScale: scaleOfADay });
      await service('dynamodb', 'error').begin(lapse);
    },
  },
];

/** Ends whatever was begun. */
export async function endDisturbance(lapse: SystemClient): Promise<void> {
  await lapse.control('DELETE', '/faults');
  await lapse.simulator('DELETE', '/faults');
  await lapse.simulator('POST', '/settings', { clockScale: 60 });
}
