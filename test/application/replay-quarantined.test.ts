import { describe, expect, it } from 'vitest';
import type { CredentialName } from '../../functions/domain/identifiers.ts';
import type { DeliveryReplay, StoredDelivery } from '../../functions/domain/quarantined-delivery.ts';
import type { SigningKey } from '../../functions/domain/signing-key.ts';
import { replayQuarantined } from '../../functions/application/replay-quarantined.ts';
import { judgeDelivery } from '../../functions/webhook/klarna-delivery.ts';
import { InMemoryAccounts } from '../support/credentials.ts';
import { account, key, observed } from '../support/fixtures.ts';
import { InMemoryPaymentRequestStore } from '../support/in-memory-payment-request-store.ts';
import { InMemoryKeptAuthorizations } from '../support/in-memory-kept-authorizations.ts';
import {
  quarantinedDelivery as delivery,
  recipient,
  signingKeyWith,
  subject,
} from '../support/klarna-deliveries.ts';
import { CountingIds, retries, VirtualClock } from '../support/virtual-clock.ts';

function world(signingKey: SigningKey | undefined) {
  const store = new InMemoryPaymentRequestStore();
  const stored = new InMemoryAccounts();
  const replays: DeliveryReplay[] = [];
  const replay = replayQuarantined({
    ...retries,
    store,
    ids: new CountingIds(),
    stored,
    authorizations: new InMemoryKeptAuthorizations(),
    quarantine: {
      async *all() {
        yield await Promise.resolve<StoredDelivery>(delivery);
      },
      read: () => Promise.resolve(delivery),
      noteReplay: (_, done) => Promise.resolve(void replays.push(done)),
    },
    signingKeys: { find: () => Promise.resolve(signingKey) },
    clock: new VirtualClock('2026-03-02T12:00:00Z'),
    judge: ({ facts, bodySha256 }, by, now) => judgeDelivery(facts, by, now, bodySha256),
  });
  return { store, stored, replays, replay };
}

const loose = signingKeyWith({ recipientAccountId: undefined, webhookId: undefined, live: undefined });

describe('replayQuarantined', () => {
  it('a replayed delivery has the same effect as the webhook would have had', async () => {
    const { store, replays, replay } = world(loose);
    expect(await replay(delivery, false)).toEqual({ kind: 'taken', verdict: 'superseding' });
    const record = await store.read(key);
    expect(record).toMatchObject({ state: 'CANCELED', evidence: { source: 'webhook', eventId: 'e1' } });
    expect(record?.history[0]?.detail).toMatchObject({ quarantined_as: 'other_account' });
    expect(replays).toMatchObject([{ verdict: 'superseding' }]);
  });

  it('a replayed onboarding makes the account known, and then its quarantined webhook is taken', async () => {
    const credential = 'acquirer' as CredentialName;
    const partners = {
      credential,
      acquirerAccountId: recipient,
      subjects: '*',
      unknownSubject: 'quarantine',
    } as const;
    const { stored, replays, replay } = world(signingKeyWith({ accounts: new Map(), partners }));
    expect(await replay(delivery, false)).toEqual({ kind: 'refused', reason: 'unknown_account' });
    const eventType = 'partner.account.state-change.operational';
    const onboarding = { ...delivery, facts: { ...delivery.facts, eventType } };
    expect(await replay(onboarding, true)).toEqual({ kind: 'would_take' });
    expect(stored.items.size).toBe(0);
    expect(await replay(onboarding, false)).toEqual({ kind: 'taken', verdict: 'onboarded' });
    expect(replays).toMatchObject([{ verdict: 'onboarded' }]);
    expect(await replay(delivery, false)).toEqual({ kind: 'taken', verdict: 'superseding' });
  });

  it('a replayed delivery does not change a final state and sets attention', async () => {
    const { store, replay } = world(loose);
    await store.observe(key, observed('EXPIRED', '2026-03-01T11:00:00Z'));
    expect(await replay(delivery, false)).toMatchObject({ verdict: 'contradicting' });
    expect(await store.read(key)).toMatchObject({ state: 'EXPIRED', attention: 'contradiction' });
  });

  it.each<[string, SigningKey | undefined, object]>([
    ['its key is gone', undefined, { kind: 'no_key' }],
    [
      'its key has no account',
      { ...loose, accounts: new Map() },
      { kind: 'refused', reason: 'other_account' },
    ],
    [
      'its key is bound to another environment',
      { ...loose, live: true },
      { kind: 'refused', reason: 'malformed' },
    ],
  ])('a quarantined delivery is not replayed if %s', async (_, signingKey, outcome) => {
    const { store, replays, replay } = world(signingKey);
    expect(await replay(delivery, false)).toEqual(outcome);
    expect(store.writes).toBe(0);
    expect(replays).toEqual([]);
  });

  it('a dry run of a replay only judges the delivery', async () => {
    const { store, replays, replay } = world({ ...loose, accounts: new Map([[subject, account]]) });
    expect(await replay(delivery, true)).toEqual({ kind: 'would_take' });
    expect(store.writes).toBe(0);
    expect(replays).toEqual([]);
  });
});
