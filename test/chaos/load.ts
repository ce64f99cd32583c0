import { setTimeout as wait } from 'node:timers/promises';
import type { Draws } from '../simulation/draws.ts';
import type { SystemClient } from '../support/system-client.ts';

/** What the shop was told of one session. */
export interface Promised {
  readonly id: string;
  /** The customer has approved, as the simulator answered. */
  approved: boolean;
}

/** Sessions whose registration was answered 2xx, and how many were not. */
export interface Load {
  readonly promised: readonly Promised[];
  readonly refused: () => number;
  /** Ends it, and waits for what is under way. */
  stop(): Promise<void>;
}

const longestCallMillis = 8_000;

/** No answer within eight seconds, or none at all, is no acknowledgement. */
const orNothing = <Value>(answer: Promise<Value>): Promise<Value | undefined> =>
  Promise.race([answer.catch(() => undefined), wait(longestCallMillis, undefined, { ref: false })]);

/**
 * Sessions in lanes, one after the other, until it is told to stop: registered with two to five seconds to go; a third of the customers approve,
 * a third of the sessions are canceled by the shop, the others run out of time. Klarna announces every state to the webhook.
 *
 * @param system where the system is at present; it may come back at other ports.
 * @param chance who stays how long and who pays, seeded.
 */
export function startLoad(system: () => SystemClient, chance: Draws, lanes = 3): Load {
  const promised: Promised[] = [];
  let refused = 0;
  let stopped = false;

  const session = async (): Promise<void> => {
    const id = await orNothing(system().createAtKlarna({ announce: true }));
    if (id === undefined) return;
    const timeout = `PT${2 + Math.floor(chance.next() * 4)}S`;
    const fate = chance.next();
    const registered = await orNothing(system().register(id, { session_timeout: timeout }));
    if (registered === undefined || registered.status >= 300) {
      refused += 1;
      return;
    }
    const one: Promised = { id, approved: false };
    promised.push(one);
    if (fate < 1 / 3) {
      await orNothing(system().customer(id, 'start'));
      one.approved =
        (await orNothing(
          system()
            .customer(id, 'approve')
            .then(() => true),
        )) === true;
    } else if (fate < 2 / 3) await orNothing(system().cancel(id));
  };
  const lane = async (): Promise<void> => {
    while (!stopped) {
      await session();
      await wait(100);
    }
  };
  const running = Promise.all(Array.from({ length: lanes }, lane));
  return {
    promised,
    refused: () => refused,
    async stop() {
      stopped = true;
      await running;
    },
  };
}
