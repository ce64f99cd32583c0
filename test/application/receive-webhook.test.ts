import { describe, expect, it } from 'vitest';
import type { Account, CredentialName, EventId } from '../../functions/domain/identifiers.ts';
import type { QuarantinedDelivery } from '../../functions/domain/quarantined-delivery.ts';
import { receiveWebhook } from '../../functions/application/receive-webhook.ts';
import { InMemoryAccounts } from '../support/credentials.ts';
import { at, key, noon, observed } from '../support/fixtures.ts';
import { unclear } from '../support/scripted-klarna.ts';
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
    const stored = new InMemoryAccounts();
    const quarantine = { keep: (one: QuarantinedDelivery) => Promise.resolve(void kept.push(one)) };
    return { world, kept, receive: receiveWebhook({ ...world.dependencies, quarantine, stored }), stored };
  };

  it('a delivery that observes a request is recorded once', async () => {
    const { world, kept, receive } = receiving();
    const fact = { kind: 'observation', key, observation: observed('SUBMITTED') } as const;
    expect(await receive(fact)).toBe('superseding');
    expect(await receive(fact)).toBe('duplicate');
    expect(world.record).toMatchObject({ state: 'SUBMITTED', version: 1 });
    expect(kept).toEqual([]);
  });

  it('an onboarded account is stored with its credential, once', async () => {
    const { stored, receive, kept } = receiving();
    const account = 'm4' as Account;
    const credential = 'acquirer' as CredentialName;
    const onboarding = { kind: 'onboarding', account, credential, eventId: 'e1' as EventId } as const;
    expect(await receive({ ...onboarding, at: noon })).toBe('onboarded');
    expect(await receive({ ...onboarding, at: at('2026-04-01T12:00:00Z') })).toBe('onboarded');
    expect(stored.items.get(account)?.onboarded).toEqual({ credential, at: noon });
    expect(kept).toEqual([]);
  });

  it('a delivery for an unknown account is quarantined, and recorded once the account is known', async () => {
    const { world, stored, kept, receive } = receiving();
    const ifUnknown = { ...delivery, reason: 'unknown_account' } as const;
    const fact = { kind: 'observation', key, observation: observed('SUBMITTED'), ifUnknown } as const;
    expect(await receive(fact)).toBe('quarantined');
    expect([kept, world.store.records.size]).toEqual([[ifUnknown], 0]);
    await stored.onboard(key.account, { credential: 'acquirer' as CredentialName, at: noon });
    expect(await receive(fact)).toBe('superseding');
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

  it.each([
    ['a record without a state', undefined],
    ['a SUBMITTED record', observed('SUBMITTED')],
  ])('a webhook that says our cancel met an approval sets attention on %s', async (_, known) => {
    const { world, receive } = receiving();
    if (known) await world.webhook(known);
    world.klarna
      .responses('cancel', unclear, unclear)
      .responses('read', world.klarna.shown(), unclear, unclear);
    world.klarna.state = 'SUBMITTED';
    await world.cancel();
    expect(world.record.cancellation?.outcome).toBe('pending');
    const observation = observed('CANCELED', '2026-03-01T12:05:00Z', { previousState: 'COMPLETED' });
    expect(await receive({ kind: 'observation', key, observation })).toBe('superseding');
    expect(world.record).toMatchObject({ state: 'CANCELED', attention: 'canceled_after_completed' });
    expect(await receive({ kind: 'observation', key, observation })).toBe('duplicate');
  });

  it('a delivery that belongs to none of our records is quarantined and changes no record', async () => {
    const { world, kept, receive } = receiving();
    expect(await receive({ kind: 'quarantine', delivery })).toBe('quarantined');
    expect(kept).toEqual([delivery]);
    expect(world.store.records.size).toBe(0);
  });
});
