import { describe, expect, it } from 'vitest';
import { previewSweep } from '../../functions/application/preview-sweep.ts';
import type { AccountSettings } from '../../functions/domain/account-settings.ts';
import type { Account, PaymentRequestId } from '../../functions/domain/identifiers.ts';
import type { Instant } from '../../functions/domain/instant.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { armedStage } from '../../functions/domain/timeout-switches.ts';
import { settingsWith, versioned } from '../support/fixtures.ts';
import { InMemoryPaymentRequestStore } from '../support/in-memory-payment-request-store.ts';
import { afterNoon, cancellationWith, registered, session } from '../support/sessions.ts';

const idOf = (index: number): PaymentRequestId =>
  `krn:payment:eu1:request:552603c0-fe8b-4ab1-aacb-${String(index).padStart(12, '0')}` as PaymentRequestId;

/** So many keys of due items. The preview only counts them. */
async function* times(count: number): AsyncGenerator<never> {
  for (let each = 0; each < count; each += 1) yield await Promise.resolve(undefined as never);
}

/** The preview of these records. Only the first account has settings. */
async function previewed(
  records: readonly PaymentRequest[],
  settings: Partial<AccountSettings> = {},
  at: Instant = afterNoon(40),
  most = 100,
) {
  const store = new InMemoryPaymentRequestStore();
  for (const [index, record] of records.entries()) {
    await store.save(undefined, versioned({ ...record, paymentRequestId: idOf(index), version: 0 }));
  }
  const before = JSON.stringify([...store.records]);
  const accounts = {
    find: (account: Account) =>
      Promise.resolve(account === 'gone' ? undefined : settingsWith({ account, ...settings })),
  };
  const preview = await previewSweep({
    due: store,
    store,
    accounts,
    jobs: { due: () => times(3) },
    awaited: { due: () => times(1_500) },
    onUnreadable: () => undefined,
  })(at, most);
  expect(JSON.stringify([...store.records])).toBe(before);
  return preview;
}

const counted = ({ counts }: Awaited<ReturnType<typeof previewed>>) =>
  Object.fromEntries(Object.entries(counts).filter(([, records]) => records > 0));

describe('previewSweep', () => {
  const open = registered({ state: 'SUBMITTED' });

  it('a preview counts what the sweep would do, and names why a session is only observed', async () => {
    const claim = cancellationWith({ lease: { id: 'l', until: afterNoon(1) } });
    const preview = await previewed([
      open,
      registered({ state: 'SUBMITTED', session: { ...session, onTimeout: 'observe' } }),
      registered({ state: 'SUBMITTED', cancellation: claim, deadlineAt: afterNoon(500) }),
      registered({ timer: 'pending', deadlineAt: afterNoon(500) }),
      registered({ state: 'COMPLETED', question: { about: 'tie', eventId: 'e' as never } }),
      { ...open, account: 'gone' as Account },
      registered({ state: 'SUBMITTED', deadlineAt: afterNoon(500) }),
    ]);
    expect(counted(preview)).toEqual({
      cancel: 1,
      observe: 1,
      settle: 1,
      arm: 1,
      read: 1,
      unknown_account: 1,
    });
    expect(preview).toMatchObject({ isWhole: true, jobs: 3, references: 1_000 });
    expect(preview.first.find(({ action }) => action === 'observe')).toMatchObject({
      reason: 'session',
      deadlineAt: afterNoon(30),
    });
  });

  it('a preview goes by the switches of now', async () => {
    const stage = { ...armedStage, observe: true };
    expect(counted(await previewed([open, open], { stage }))).toEqual({ observe: 2 });
    const byTimer = cancellationWith({ cause: 'timeout', lease: { id: 'l', until: afterNoon(1) } });
    const begun = registered({ state: 'SUBMITTED', cancellation: byTimer });
    expect(counted(await previewed([begun], { stage }))).toEqual({ observe: 1 });
    expect(counted(await previewed([begun]))).toEqual({ settle: 1 });
  });

  it('a preview for a later time shows what is due by then', async () => {
    expect(counted(await previewed([open], {}, afterNoon(10)))).toEqual({});
    expect(counted(await previewed([open], {}, afterNoon(31)))).toEqual({ cancel: 1 });
  });

  it('a preview names only as many records as asked for, and reads at most 2000', async () => {
    const preview = await previewed(
      Array.from({ length: 2_001 }, () => open),
      {},
      afterNoon(40),
      3,
    );
    expect(preview.first).toHaveLength(3);
    expect([preview.counts.cancel, preview.isWhole]).toEqual([2_000, false]);
  });
});
