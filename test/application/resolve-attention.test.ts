import { describe, expect, it } from 'vitest';
import { resolveAttention } from '../../functions/application/resolve-attention.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { key, recordWith } from '../support/fixtures.ts';
import { ScriptedKlarna } from '../support/scripted-klarna.ts';
import { World } from '../support/world.ts';

const command = { attention: 'contradiction', by: 'operator', note: 'refunded' } as const;

async function worldWith(fields: Partial<PaymentRequest>): Promise<World> {
  const world = new World(new ScriptedKlarna('CANCELED'));
  await world.store.save(undefined, recordWith({ state: 'CANCELED', ...fields }));
  return world;
}

describe('resolveAttention', () => {
  it('the mark is taken off by one write', async () => {
    const world = await worldWith({ attention: 'contradiction' });
    const { writes } = world.store;
    expect(await resolveAttention(world.dependencies)(key, command)).toEqual({ kind: 'resolved' });
    expect(world.store.writes - writes).toBe(1);
    expect(world.record).toMatchObject({ state: 'CANCELED', attention: undefined, version: 2 });
    expect(world.klarna.received).toEqual([]);
  });

  it('a second resolution finds nothing to resolve and writes nothing', async () => {
    const world = await worldWith({ attention: 'contradiction' });
    await resolveAttention(world.dependencies)(key, command);
    const { writes } = world.store;
    expect(await resolveAttention(world.dependencies)(key, command)).toEqual({ kind: 'none' });
    expect(world.store.writes).toBe(writes);
  });

  it('a record that has another mark meanwhile keeps it', async () => {
    const world = await worldWith({ attention: 'paid_twice' });
    expect(await resolveAttention(world.dependencies)(key, command)).toEqual({
      kind: 'other',
      attention: 'paid_twice',
    });
    expect(world.record.attention).toBe('paid_twice');
  });

  it('a request without a record is not made one', async () => {
    const world = new World(new ScriptedKlarna('CANCELED'));
    expect(await resolveAttention(world.dependencies)(key, command)).toEqual({ kind: 'no_record' });
    expect(world.store.records.size).toBe(0);
  });
});
