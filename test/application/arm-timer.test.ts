import { describe, expect, it } from 'vitest';
import { armTimer } from '../../functions/application/arm-timer.ts';
import { plusMillis } from '../../functions/domain/instant.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { recordWith } from '../support/fixtures.ts';
import { afterNoon, registered } from '../support/sessions.ts';
import { ScriptedKlarna } from '../support/scripted-klarna.ts';
import { World } from '../support/world.ts';

/** A record whose timer is to be armed, and what somebody else makes of it after so many times that a timer was armed. */
async function arming(
  record: PaymentRequest,
  change: (record: PaymentRequest, arms: number) => PaymentRequest,
) {
  let arms = 0;
  const world: World = new World(new ScriptedKlarna('SUBMITTED'), {}, (call, moment) => {
    if (call !== 'timer.arm' || moment !== 'after') return;
    arms += 1;
    const next = change(world.record, arms);
    if (next !== world.record) void world.store.save(world.record, { ...next, version: next.version + 1 });
  });
  await world.store.save(undefined, record);
  const armed = await armTimer(world.dependencies)(record);
  return { world, armed, arms };
}

const pending = registered({ timer: 'pending' });

describe('arming a timer', () => {
  it('is written down', async () => {
    const { world, armed, arms } = await arming(pending, (record) => record);
    expect(arms).toBe(1);
    expect(world.timer.deadline).toBe(afterNoon(30));
    expect(armed).toMatchObject({ timer: 'armed', reconcileAfter: afterNoon(31), version: 2 });
    expect(armed).toEqual(world.record);
  });

  it('is nothing where there is no deadline', async () => {
    const record = recordWith();
    const { armed, arms } = await arming(record, (same) => same);
    expect([arms, armed]).toEqual([0, record]);
  });

  it('is done again for a deadline that was moved meanwhile', async () => {
    const { world, armed, arms } = await arming(pending, (record, times) =>
      times === 1 ? { ...record, deadlineAt: afterNoon(50) } : record,
    );
    expect(arms).toBe(2);
    expect(world.timer.deadline).toBe(afterNoon(50));
    expect(armed).toMatchObject({ timer: 'armed', deadlineAt: afterNoon(50), version: 3 });
  });

  it('leaves the rest to the sweep where the deadline is moved again and again', async () => {
    const { world, armed, arms } = await arming(pending, (record) => ({
      ...record,
      deadlineAt: plusMillis(record.deadlineAt ?? afterNoon(30), 1_000),
    }));
    expect(arms).toBe(5);
    expect(armed).toEqual(world.record);
    expect(armed.timer).toBe('pending');
  });

  it('is over where the request ended meanwhile', async () => {
    const { armed, arms } = await arming(pending, (record) => ({ ...record, timer: 'removed' }));
    expect(arms).toBe(1);
    expect(armed).toMatchObject({ timer: 'removed', version: 2 });
  });

  it('of a record that is gone gives it back as it was', async () => {
    const world = new World();
    expect(await armTimer(world.dependencies)(pending)).toBe(pending);
    expect(world.store.records.size).toBe(0);
  });
});
