import { describe, expect, it } from 'vitest';
import { armTimer } from '../../functions/application/arm-timer.ts';
import { plusMillis } from '../../functions/domain/instant.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { recordWith } from '../support/fixtures.ts';
import { afterNoon, registered } from '../support/sessions.ts';
import { ScriptedKlarna } from '../support/scripted-klarna.ts';
import { World } from '../support/world.ts';

/** Arms the timer of a record, while `change` modifies the record each time after a timer was armed. */
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
  it('arming a timer records that it is armed', async () => {
    const { world, armed, arms } = await arming(pending, (record) => record);
    expect(arms).toBe(1);
    expect(world.timer.deadline).toBe(afterNoon(30));
    expect(armed).toMatchObject({ timer: 'armed', reconcileAfter: afterNoon(31), version: 2 });
    expect(armed).toEqual(world.record);
  });

  it('no timer is armed for a record without a deadline', async () => {
    const record = recordWith();
    const { armed, arms } = await arming(record, (same) => same);
    expect([arms, armed]).toEqual([0, record]);
  });

  it('a timer is armed again if the deadline moved meanwhile', async () => {
    const { world, armed, arms } = await arming(pending, (record, times) =>
      times === 1 ? { ...record, deadlineAt: afterNoon(50) } : record,
    );
    expect(arms).toBe(2);
    expect(world.timer.deadline).toBe(afterNoon(50));
    expect(armed).toMatchObject({ timer: 'armed', deadlineAt: afterNoon(50), version: 3 });
  });

  it('arming stops after five moved deadlines, and the sweep arms the timer later', async () => {
    const { world, armed, arms } = await arming(pending, (record) => ({
      ...record,
      deadlineAt: plusMillis(record.deadlineAt ?? afterNoon(30), 1_000),
    }));
    expect(arms).toBe(5);
    expect(armed).toEqual(world.record);
    expect(armed.timer).toBe('pending');
  });

  it('arming stops if the request ended meanwhile', async () => {
    const { armed, arms } = await arming(pending, (record) => ({ ...record, timer: 'removed' }));
    expect(arms).toBe(1);
    expect(armed).toMatchObject({ timer: 'removed', version: 2 });
  });

  it('arming the timer of a deleted record returns the record unchanged and writes nothing', async () => {
    const world = new World();
    expect(await armTimer(world.dependencies)(pending)).toBe(pending);
    expect(world.store.records.size).toBe(0);
  });
});
