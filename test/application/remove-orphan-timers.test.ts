import { describe, expect, it } from 'vitest';
import { removeOrphanTimers } from '../../functions/application/remove-orphan-timers.ts';
import type { PaymentRequestKey } from '../../functions/domain/identifiers.ts';
import { type Instant, plusMillis } from '../../functions/domain/instant.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import { requestId } from '../support/cancel-jobs.ts';
import { account, noon, recordWith } from '../support/fixtures.ts';
import { InMemoryPaymentRequestStore } from '../support/in-memory-payment-request-store.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

/** Timers for requests in these states, `gone` for one without a record, and what becomes of them; with `failure`, they cannot be listed. */
async function sweep(
  states: readonly (PaymentRequestState | 'gone' | undefined)[],
  removal: (key: PaymentRequestKey) => Promise<void> = () => Promise.resolve(),
  failure?: Error,
) {
  const store = new InMemoryPaymentRequestStore();
  const keys = states.map((_, number) => ({ account, paymentRequestId: requestId(number) }));
  for (const [number, state] of states.entries()) {
    if (state === 'gone') continue;
    await store.save(undefined, recordWith({ paymentRequestId: requestId(number), state }));
  }
  const gone: number[] = [];
  const faults: unknown[] = [];
  const asked: Instant[] = [];
  const removed = await removeOrphanTimers({
    armedTimers: {
      some: (armedBefore) => {
        asked.push(armedBefore);
        return failure ? Promise.reject(failure) : Promise.resolve(keys);
      },
    },
    store,
    timer: {
      remove: async (key) => {
        await removal(key);
        gone.push(keys.findIndex(({ paymentRequestId }) => paymentRequestId === key.paymentRequestId));
      },
    },
    clock: new VirtualClock(),
    onFault: (error) => faults.push(error),
  })();
  return { removed, gone, faults, asked };
}

describe('a timer that is set', () => {
  it.each<[PaymentRequestState | 'gone' | undefined, boolean]>([
    [undefined, false],
    ['SUBMITTED', false],
    ['IN_PROGRESS', false],
    // Klarna may still decline it.
    ['COMPLETED', false],
    ['CANCELED', true],
    ['EXPIRED', true],
    ['DECLINED', true],
    ['gone', true],
  ])('of a request that is %s: removed %s', async (state, isRemoved) => {
    expect(await sweep([state])).toMatchObject({
      removed: isRemoved ? 1 : 0,
      gone: isRemoved ? [0] : [],
      faults: [],
    });
  });

  it('is left to whoever has just ended the request for ten minutes', async () => {
    expect((await sweep([])).asked).toEqual([plusMillis(noon, -600_000)]);
  });

  it('that cannot be removed holds up no other, and is told', async () => {
    const failure = new Error('throttled');
    const outcome = await sweep(['CANCELED', 'CANCELED'], ({ paymentRequestId }) =>
      paymentRequestId === requestId(0) ? Promise.reject(failure) : Promise.resolve(),
    );
    expect(outcome).toMatchObject({ removed: 1, gone: [1], faults: [failure] });
  });

  it('stays where nobody can say which are set, and that is told', async () => {
    const failure = new Error('throttled');
    expect(await sweep(['CANCELED'], undefined, failure)).toMatchObject({
      removed: 0,
      gone: [],
      faults: [failure],
    });
  });
});
