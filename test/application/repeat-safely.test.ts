import { describe, expect, it } from 'vitest';
import type { CancelResult } from '../../functions/application/cancel-payment-request.ts';
import {
  repeatedCancel,
  repeatedRegistration,
  repeatSafely,
} from '../../functions/application/repeat-safely.ts';
import type { Deadline } from '../../functions/domain/registration.ts';
import { key } from '../support/fixtures.ts';
import { World } from '../support/world.ts';
import { ScriptedKlarna } from '../support/scripted-klarna.ts';

const call = (name: string, request = 'a') => ({
  key: name.padEnd(16, '0'),
  request: request.padEnd(16, '0'),
});
const lasting = (count: number): Deadline => ({
  kind: 'session_timeout',
  millis: count * 60_000,
  given: `PT${count}M`,
});
const minutes = (count: number) => ({ deadline: lasting(count), requestedBy: 'test' });

describe('a call with a key', () => {
  it('a repeated registration has the first outcome, and does not move a deadline that was moved since', async () => {
    const world = new World(new ScriptedKlarna('SUBMITTED'));
    const register = (count: number) =>
      repeatSafely(world.dependencies)(
        key,
        call('one'),
        repeatedRegistration(() => world.register(minutes(count))),
      );
    expect(await register(10)).toMatchObject({ outcome: { kind: 'registered' } });
    await world.extend(lasting(20));
    const { deadlineAt, version } = world.record;
    expect(await register(10)).toMatchObject({ outcome: { kind: 'registered' }, record: { deadlineAt } });
    expect(world.record.version).toBe(version);
  });

  it('two calls with one key at the same moment have the same outcome', async () => {
    const world = new World(new ScriptedKlarna('SUBMITTED'));
    const register = () =>
      repeatSafely(world.dependencies)(
        key,
        call('one'),
        repeatedRegistration(() => world.register(minutes(10))),
      );
    const both = await Promise.all([register(), register()]);
    const kinds = both.map((each) => each !== 'reused' && each.outcome.kind);
    expect(new Set(kinds).size).toBe(1);
    expect(world.record.calls).toMatchObject([{ outcome: kinds[0] }]);
  });

  it('another call with the key is refused and does nothing', async () => {
    const world = new World(new ScriptedKlarna('SUBMITTED'));
    const repeat = repeatSafely(world.dependencies);
    await repeat(
      key,
      call('one'),
      repeatedRegistration(() => world.register(minutes(10))),
    );
    const before = world.record;
    const cancel = repeatedCancel(() => world.cancel());
    expect(await repeat(key, call('one', 'b'), cancel)).toBe('reused');
    expect(world.record).toEqual(before);
  });

  it('a repeated cancel says canceled again, without a call to Klarna', async () => {
    const world = new World(new ScriptedKlarna('SUBMITTED'));
    const cancel = () =>
      repeatSafely(world.dependencies)(
        key,
        call('one'),
        repeatedCancel(() => world.cancel()),
      );
    expect(await cancel()).toMatchObject({ outcome: 'canceled' });
    world.calls.splice(0);
    expect(await cancel()).toMatchObject({ outcome: 'canceled', record: { state: 'CANCELED' } });
    expect(world.calls.filter((each) => each.startsWith('klarna.'))).toEqual([]);
  });

  it('a refused cancel is refused again with the state that refused it', async () => {
    const world = new World(new ScriptedKlarna('COMPLETED'));
    const cancel = () =>
      repeatSafely(world.dependencies)(
        key,
        call('one'),
        repeatedCancel(() => world.cancel()),
      );
    const first: CancelResult | 'reused' = await cancel();
    expect(first).toMatchObject({ outcome: 'already_final', state: 'COMPLETED' });
    expect(await cancel()).toMatchObject({ outcome: 'already_final', state: 'COMPLETED' });
  });

  it('a call that is not settled is not kept', async () => {
    const world = new World(new ScriptedKlarna('SUBMITTED'));
    const run = () => Promise.resolve({ outcome: 'not_found', record: undefined } as const);
    await repeatSafely(world.dependencies)(key, call('one'), repeatedCancel(run));
    expect(world.store.records.size).toBe(0);
  });

  it('a record keeps the newest four, so an older key counts as new', async () => {
    const world = new World(new ScriptedKlarna('SUBMITTED'));
    const names = ['one', 'two', 'three', 'four', 'five'];
    for (const name of names) {
      await repeatSafely(world.dependencies)(
        key,
        call(name),
        repeatedRegistration(() => world.register(minutes(10))),
      );
    }
    expect(world.record.calls?.map((each) => each.key)).toEqual(names.slice(1).map((name) => call(name).key));
    expect(world.record.calls?.map((each) => each.outcome)).toEqual(Array(4).fill('unchanged'));
  });
});
