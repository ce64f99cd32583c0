import { setTimeout as wait } from 'node:timers/promises';
import type { SystemClient } from '../../test/support/system-client.ts';

/** One way in which a session ends, from its registration on. */
export interface Flow {
  readonly name: string;
  /** Whether the session's schedule fires. If not, it is removed first. */
  readonly timerFires: boolean;
  /** Whether its request is canceled. If not, it is paid and stays paid. */
  readonly end: 'canceled' | 'spared';
  /** Plays one session. Klarna's webhooks arrive as in production. */
  readonly play: (lapse: SystemClient, id: string) => Promise<unknown>;
}

/** Just long enough for a schedule, as in production. A shorter session gets a delayed message. */
const session_timeout = 'PT95S';
/** The trace must not include reads of the test, so no record is read before its session ends. */
const overAfterMillis = 98_000;

/** Waits for a timer that leaves no trace in the record: its schedule is gone once it has fired. */
async function untilFired(lapse: SystemClient, id: string): Promise<void> {
  for (;;) {
    const { body } = await lapse.control('GET', '/schedules');
    if (!JSON.stringify(body).includes(id)) return;
    await wait(500);
  }
}

const register = (lapse: SystemClient, id: string) =>
  lapse.register(id, { session_timeout, session_id: `cart-${id.slice(-12)}`, reference: 'order-1' });

export const flows: readonly Flow[] = [
  {
    name: 'canceled by API',
    timerFires: false,
    end: 'canceled',
    play: async (lapse, id) => {
      await register(lapse, id);
      await lapse.customer(id, 'start');
      await lapse.cancel(id);
      await lapse.until(id, ({ state }) => state === 'CANCELED');
    },
  },
  {
    name: 'paid in time',
    timerFires: true,
    end: 'spared',
    play: async (lapse, id) => {
      await register(lapse, id);
      await lapse.customer(id, 'start');
      await lapse.customer(id, 'approve');
      await wait(overAfterMillis);
      await untilFired(lapse, id);
    },
  },
  {
    name: 'timed out',
    timerFires: true,
    end: 'canceled',
    play: async (lapse, id) => {
      await register(lapse, id);
      await lapse.customer(id, 'start');
      await wait(overAfterMillis);
      await lapse.until(id, ({ state }) => state === 'CANCELED', 60_000);
    },
  },
];
