import { expect, it } from 'vitest';
import { holdSweepLease } from '../../functions/application/hold-sweep-lease.ts';
import type { SweepLease } from '../../functions/application/ports.ts';
import { type Instant, instantFromMillis } from '../../functions/domain/instant.ts';
import { noMemory, type SweepMemory } from '../../functions/domain/sweep-memory.ts';
import { key } from '../support/fixtures.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

/** One lease, and a run of the sweep that takes it as a process of its own. */
function oneLease() {
  const clock = new VirtualClock();
  const faults: unknown[] = [];
  let held: { readonly by: symbol; readonly until: Instant } | undefined;
  let left = noMemory;
  const leaseOf = (by: symbol, release = () => Promise.resolve()): SweepLease => ({
    take(now, until) {
      if (held && held.until > now) return Promise.resolve(undefined);
      held = { by, until };
      return Promise.resolve(left);
    },
    async release(memory) {
      await release();
      if (held?.by !== by) return;
      left = memory ?? left;
      held = undefined;
    },
  });
  const run = (release?: () => Promise<void>) =>
    holdSweepLease({ lease: leaseOf(Symbol('run'), release), clock, onFault: (error) => faults.push(error) });
  return { clock, run, faults };
}

/** The work of a sweep that reports this, and leaves a memory. */
const working =
  <Report>(report: Report, memory: SweepMemory = noMemory) =>
  () =>
    Promise.resolve({ report, memory });

it('two sweeps at once: the second one does nothing, and the third one runs after the first', async () => {
  const { clock, run } = oneLease();
  const endsAt = clock.now() + 55_000;
  const first = run()(endsAt, async () => working(await run()(endsAt, working('second')))());
  expect(await first).toBeUndefined();
  expect(await run()(endsAt, working('third'))).toBe('third');
});

it('a sweep whose process was killed gives way at its time limit', async () => {
  const { clock, run } = oneLease();
  const killed = () => new Promise<never>(() => undefined);
  void run()(clock.now() + 55_000, killed);
  await clock.wait(54_999);
  expect(await run()(clock.now() + 55_000, working('early'))).toBeUndefined();
  await clock.wait(1);
  expect(await run()(clock.now() + 55_000, working('next'))).toBe('next');
});

it('a sweep that fails gives the lease back', async () => {
  const { clock, run } = oneLease();
  const failing = run()(clock.now() + 55_000, () => Promise.reject(new Error('no table')));
  await expect(failing).rejects.toThrow('no table');
  expect(await run()(clock.now() + 55_000, working('next'))).toBe('next');
});

it('a failure to give the lease back does not fail the sweep', async () => {
  const { clock, run, faults } = oneLease();
  const lost = new Error('no response');
  expect(await run(() => Promise.reject(lost))(clock.now() + 55_000, working('done'))).toBe('done');
  expect(faults).toEqual([lost]);
});

it('what a sweep remembers reaches the next one, also past a sweep that fails', async () => {
  const { clock, run } = oneLease();
  const endsAt = clock.now() + 55_000;
  const since = { pendingCancel: instantFromMillis(clock.now()), overdueSession: undefined };
  const memory: SweepMemory = { unsettled: [{ key, since, isFailing: false }], beyond: undefined };
  await run()(endsAt, working('first', memory));
  await run()(endsAt, () => Promise.reject(new Error('no table'))).catch(() => undefined);
  expect(await run()(endsAt, (known) => working(known)())).toEqual(memory);
});
