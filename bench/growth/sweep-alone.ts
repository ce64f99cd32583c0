import { setTimeout as wait } from 'node:timers/promises';
import { reconcilePaymentRequests } from '../../functions/application/reconcile-payment-requests.ts';
import { instantFromMillis } from '../../functions/domain/instant.ts';
import { requestId } from '../../test/support/cancel-jobs.ts';
import { registered } from '../../test/support/sessions.ts';
import { World } from '../../test/support/world.ts';
import { defaultLatencies } from '../stand-ins/latencies.ts';

export interface SweepAlone {
  /** Milliseconds that Klarna took for each response. */
  readonly klarnaMillis: number;
  /** Sessions that one run ended while more were due, and the seconds that it took. */
  readonly ended: number;
  readonly seconds: number;
}

/** Milliseconds during which a run on AWS starts new records. */
const runMillis = 35_000;

/**
 * Measures one run of the sweep over more overdue sessions than it can end. The table is in memory, so only the waits
 * for others take time.
 */
export async function sweepAlone(klarnaMillis: number): Promise<SweepAlone> {
  const world = new World();
  const now = Date.now();
  const deadlineAt = instantFromMillis(now - 300_000);
  const dueAt = instantFromMillis(now - 240_000);
  for (let number = 0; number < 5_000; number += 1) {
    const record = registered({ paymentRequestId: requestId(number), deadlineAt, dueAt });
    await world.store.save(undefined, { ...record, createdAt: deadlineAt });
  }
  world.klarna.delay = () => wait(klarnaMillis);
  const began = performance.now();
  const { end } = await reconcilePaymentRequests({
    ...world.dependencies,
    store: waited(world.store, defaultLatencies.dynamodb),
    due: world.store,
    timer: waited(world.timer, defaultLatencies.scheduler),
    klarna: world.klarna,
    clock: {
      now: () => Date.now(),
      instant: () => instantFromMillis(Date.now()),
      wait: (millis) => wait(millis),
    },
  })(now + runMillis);
  return { klarnaMillis, ended: end, seconds: (performance.now() - began) / 1_000 };
}

/** A port whose calls take this long. */
function waited<Port extends object>(port: Port, millis: number): Port {
  return new Proxy(port, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property, target);
      if (typeof member !== 'function') return member;
      const method = member.bind(target) as (...args: unknown[]) => unknown;
      return async (...args: unknown[]) => {
        await wait(millis);
        return method(...args);
      };
    },
  });
}
