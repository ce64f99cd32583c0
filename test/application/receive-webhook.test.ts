import { describe, expect, it } from 'vitest';
import type { QuarantinedDelivery } from '../../functions/domain/quarantined-delivery.ts';
import { receiveWebhook } from '../../functions/application/receive-webhook.ts';
import { key, noon, observed } from '../support/fixtures.ts';
import { World } from '../support/world.ts';

describe('receiveWebhook', () => {
  const delivery: QuarantinedDelivery = {
    signingKeyId: 'k1',
    deliveryId: 'd1',
    reason: 'unknown_type',
    receivedAt: noon,
    bodySha256: 'ab',
    facts: {},
  };

  const receiving = () => {
    const world = new World();
    const kept: QuarantinedDelivery[] = [];
    const quarantine = { keep: (one: QuarantinedDelivery) => Promise.resolve(void kept.push(one)) };
    return { world, kept, receive: receiveWebhook({ ...world.dependencies, quarantine }) };
  };

  it('a delivery that observes a request is recorded once', async () => {
    const { world, kept, receive } = receiving();
    const fact = { kind: 'observation', key, observation: observed('SUBMITTED') } as const;
    expect(await receive(fact)).toBe('superseding');
    expect(await receive(fact)).toBe('duplicate');
    expect(world.record).toMatchObject({ state: 'SUBMITTED', version: 1 });
    expect(kept).toEqual([]);
  });

  it.each([
    ['stale', observed('SUBMITTED', '2026-03-01T11:00:00Z')],
    ['confirming', observed('COMPLETED', '2026-03-01T11:00:00Z')],
  ] as const)('a %s delivery is added to the history', async (verdict, news) => {
    const { world, receive } = receiving();
    await world.webhook(observed('COMPLETED'));
    world.clock.advance(5_000);
    const observation = { ...news, observedAt: world.clock.instant() };
    expect(await receive({ kind: 'observation', key, observation })).toBe(verdict);
    expect(world.record).toMatchObject({
      state: 'COMPLETED',
      version: 2,
      updatedAt: world.clock.instant(),
    });
    expect(world.record.history.at(-1)).toMatchObject({ effect: verdict });
  });

  it('a delivery that belongs to none of our records is quarantined and changes no record', async () => {
    const { world, kept, receive } = receiving();
    expect(await receive({ kind: 'quarantine', delivery })).toBe('quarantined');
    expect(kept).toEqual([delivery]);
    expect(world.store.records.size).toBe(0);
  });
});
