import { describe, expect, it } from 'vitest';
import { joinAuthorizations, joinReference } from '../../functions/application/join-authorizations.ts';
import {
  recordAuthorization,
  reportAuthorization,
} from '../../functions/application/record-authorization.ts';
import { reconcilePaymentRequests } from '../../functions/application/reconcile-payment-requests.ts';
import type { AccountSettings } from '../../functions/domain/account-settings.ts';
import type { AuthorizationReport } from '../../functions/domain/confirmation.ts';
import type { EventId, Reference } from '../../functions/domain/identifiers.ts';
import { formatInstant } from '../../functions/domain/instant.ts';
import { account, key, observed, registrationWith } from '../support/fixtures.ts';
import { minute } from '../support/sessions.ts';
import { ScriptedKlarna } from '../support/scripted-klarna.ts';
import { World } from '../support/world.ts';

const reference = 'order-7' as Reference;
const watching = { watchAuthorization: true } as const;

/** A world in which the customer approved at noon a session that was registered just before. */
async function approved(
  settings: Partial<AccountSettings> = watching,
  klarna = new ScriptedKlarna('COMPLETED'),
): Promise<World> {
  const world = new World(klarna, settings);
  await world.register(registrationWith({ reference }));
  await world.webhook(observed('COMPLETED'));
  return world;
}

const report = ({ clock }: World, name = 'authorized-1'): AuthorizationReport => ({
  eventId: name as EventId,
  source: 'webhook',
  at: clock.instant(),
  reportedAt: clock.instant(),
  proof: {},
});

/** A Klarna that lets an approved request be canceled. */
const cancelable = (): ScriptedKlarna =>
  Object.assign(new ScriptedKlarna('COMPLETED'), { cancelsCompleted: true });

/** Lets the sweep run once after each of these minutes since noon. */
async function sweptAt(world: World, ...minutes: readonly number[]): Promise<void> {
  const start = Date.parse('2026-03-01T12:00:00Z');
  for (const each of minutes) {
    world.clock.advance(start + each * minute - world.clock.now());
    await world.sweep();
  }
}

describe('an approved payment', () => {
  it('without the watch nothing is due and nothing more is written', async () => {
    const world = await approved({});
    const { version } = world.record;
    await sweptAt(world, 46, 61);
    expect(world.record).toMatchObject({ version, state: 'COMPLETED' });
    expect([world.record.attention, world.record.dueAt]).toEqual([undefined, undefined]);
  });

  it('with the watch it needs a person after 45 minutes, and lapses after 60, without a call to Klarna', async () => {
    const world = await approved();
    await sweptAt(world, 44);
    expect(world.record.attention).toBeUndefined();
    await sweptAt(world, 45);
    expect(world.record).toMatchObject({ attention: 'not_authorized', state: 'COMPLETED' });
    expect(world.record.confirmation?.lapsedAt).toBeUndefined();
    await sweptAt(world, 60);
    expect(world.record.confirmation?.lapsedAt).toBe(world.clock.instant());
    expect([world.record.dueAt, world.klarna.calls]).toEqual([undefined, []]);
  });

  it('the alert comes at the time of the account', async () => {
    const world = await approved({ ...watching, authorizationAlertAfter: 10 * minute });
    await sweptAt(world, 10);
    expect(world.record.attention).toBe('not_authorized');
  });

  it('a watch that is switched off before the alert raises none', async () => {
    const world = await approved();
    Object.assign(world.settings, { watchAuthorization: false });
    await sweptAt(world, 45, 60);
    expect([world.record.attention, world.record.dueAt]).toEqual([undefined, undefined]);
  });

  it('a watch that is switched on later covers the session from its timer on', async () => {
    const world = await approved({});
    Object.assign(world.settings, watching);
    world.clock.advance(30 * minute);
    expect(await world.timerFires()).toEqual({ kind: 'spared' });
    await sweptAt(world, 45);
    expect(world.record.attention).toBe('not_authorized');
  });

  it('a request that was never registered is watched, although COMPLETED is all that came', async () => {
    const world = new World(new ScriptedKlarna('COMPLETED'), watching);
    await world.webhook(observed('COMPLETED'));
    await sweptAt(world, 1, 45);
    expect(world.record.attention).toBe('not_authorized');
  });

  it('purpose token after COMPLETED takes the alert off, and no other comes', async () => {
    const world = await approved();
    await sweptAt(world, 45);
    const { outcome } = await world.register({ purpose: 'token', requestedBy: 'test' });
    expect(outcome.kind).toBe('already_final');
    expect(world.record).toMatchObject({ purpose: 'token', attention: undefined });
    await sweptAt(world, 60, 61);
    expect([world.record.confirmation?.lapsedAt, world.record.dueAt]).toEqual([undefined, undefined]);
  });

  it('a lapsed payment is canceled by name where the account wants that', async () => {
    const klarna = cancelable();
    const world = await approved({ ...watching, cancelUnauthorized: true }, klarna);
    await sweptAt(world, 45, 60);
    expect(world.record).toMatchObject({
      state: 'CANCELED',
      cancellation: { outcome: 'canceled', cause: 'sweep', allowCompleted: true },
    });
    expect(world.klarna.calls).toEqual(['read', 'cancel']);
  });

  it('a lapsed payment that Klarna does not let us cancel stays COMPLETED', async () => {
    const world = await approved({ ...watching, cancelUnauthorized: true });
    await sweptAt(world, 45, 60);
    expect(world.record).toMatchObject({ state: 'COMPLETED', cancellation: { outcome: 'refused' } });
  });

  it('a cancel of a lapsed payment that waits for its turn is not carried on once a report came', async () => {
    const klarna = cancelable();
    const world = await approved({ ...watching, cancelUnauthorized: true }, klarna);
    await sweptAt(world, 45);
    const held = { ...world.dependencies, pace: { turn: () => Promise.resolve(false) } };
    world.clock.advance(15 * minute);
    await reconcilePaymentRequests(held)(world.clock.now() + 40_000);
    expect(world.record.cancellation?.outcome).toBe('pending');
    expect(await recordAuthorization(world.dependencies)(key, report(world))).toBe('authorized');
    await sweptAt(world, 62);
    expect(world.record).toMatchObject({ state: 'COMPLETED', cancellation: { outcome: 'refused' } });
    expect(world.klarna.calls).toEqual([]);
  });
});

describe('what the watch costs', () => {
  it.each([
    ['without the watch', {}, ['store.observe'], ['store.authorize']],
    ['with the watch', watching, ['store.observe', 'store.save'], ['store.authorize', 'store.save']],
  ] as const)(
    'the calls of the table for COMPLETED and for the report, %s',
    async (_, settings, completed, reported) => {
      const world = new World(new ScriptedKlarna('COMPLETED'), settings);
      await world.register(registrationWith({ reference }));
      world.awsCalls();
      await world.webhook(observed('COMPLETED'));
      expect(world.awsCalls()).toEqual(completed);
      await recordAuthorization(world.dependencies)(key, report(world));
      expect(world.awsCalls()).toEqual(reported);
    },
  );
});

describe('a report of an authorization', () => {
  it('without the watch the report is one write, without a read', async () => {
    const world = await approved({});
    world.awsCalls();
    expect(await recordAuthorization(world.dependencies)(key, report(world))).toBe('authorized');
    expect(world.awsCalls()).toEqual(['store.authorize']);
    expect(await recordAuthorization(world.dependencies)(key, report(world))).toBe('duplicate');
  });

  it('with the watch the report takes the alert off', async () => {
    const world = await approved();
    await sweptAt(world, 45);
    await recordAuthorization(world.dependencies)(key, report(world));
    expect(world.record).toMatchObject({ attention: undefined, dueAt: undefined });
  });

  it('a report of a request that no other webhook has told of makes its record', async () => {
    const world = new World(new ScriptedKlarna('COMPLETED'), watching);
    await recordAuthorization(world.dependencies)(key, report(world));
    await world.webhook(observed('COMPLETED'));
    await sweptAt(world, 1, 45, 60);
    expect(world.record).toMatchObject({ state: 'COMPLETED', confirmation: { authorizedBy: 'webhook' } });
    expect(world.record.attention).toBeUndefined();
  });

  it('the report of the shop has three outcomes, and a second one changes nothing', async () => {
    const world = await approved();
    const tell = reportAuthorization(world.dependencies);
    expect((await tell(key, { requestedBy: 'shop' })).outcome).toBe('authorized');
    expect((await tell(key, { requestedBy: 'shop' })).outcome).toBe('unchanged');
    expect(world.record.history.at(-1)).toMatchObject({
      kind: 'confirmation',
      detail: { outcome: 'authorized', source: 'api', requested_by: 'shop' },
    });
    const other = new World();
    expect(await reportAuthorization(other.dependencies)(key, { requestedBy: 'shop' })).toEqual({
      outcome: 'not_found',
    });
    await other.webhook(observed('EXPIRED'));
    expect(await reportAuthorization(other.dependencies)(key, { requestedBy: 'shop' })).toEqual({
      outcome: 'already_final',
      state: 'EXPIRED',
    });
  });

  it('two reports at once make one event', async () => {
    const world = await approved();
    await Promise.all([
      recordAuthorization(world.dependencies)(key, report(world)),
      reportAuthorization(world.dependencies)(key, { requestedBy: 'shop' }),
    ]);
    const told = world.record.history.filter(({ kind }) => kind === 'confirmation');
    expect(told).toHaveLength(1);
  });
});

describe('a report that names the payment by its reference', () => {
  it('the report is linked to the one payment with the reference', async () => {
    const world = await approved();
    await world.authorizations.keep(account, reference, report(world));
    expect(await joinAuthorizations({ ...world.dependencies, onFault: () => undefined })(Infinity)).toBe(1);
    expect(world.record).toMatchObject({ confirmation: { authorizedBy: 'webhook' }, dueAt: undefined });
    expect(world.record.history.at(-1)?.detail['linked_by']).toBe('reference');
    expect(await world.authorizations.read(account, reference)).toMatchObject({
      reports: [],
      dueAt: undefined,
    });
  });

  it('a report that comes before COMPLETED waits for it', async () => {
    const world = new World(new ScriptedKlarna('COMPLETED'), watching);
    await world.authorizations.keep(account, reference, report(world));
    expect(await joinReference(world.dependencies)(account, reference)).toBe(1);
    await world.register(registrationWith({ reference }));
    await world.webhook(observed('COMPLETED'));
    expect(await joinReference(world.dependencies)(account, reference)).toBe(0);
    expect(world.record.confirmation?.authorizedAt).toBeDefined();
  });

  it('a report that waited is recorded at the time of its link and keeps the time it came', async () => {
    const world = await approved();
    const came = report(world);
    await world.authorizations.keep(account, reference, came);
    world.clock.advance(30 * minute);
    await joinReference(world.dependencies)(account, reference);
    const entry = world.record.history.at(-1);
    expect(entry).toMatchObject({ occurredAt: came.at, recordedAt: world.clock.instant() });
    expect(entry?.detail['received_at']).toBe(formatInstant(came.reportedAt));
    expect(world.record.updatedAt).toBe(world.clock.instant());
  });

  it('the alert looks for a report that waits before it is raised', async () => {
    const world = await approved();
    await world.authorizations.keep(account, reference, report(world));
    await sweptAt(world, 45);
    expect([world.record.attention, world.record.confirmation?.authorizedBy]).toEqual([undefined, 'webhook']);
  });

  it('a reference of two payments links none, and cancels none', async () => {
    const klarna = cancelable();
    const world = await approved({ ...watching, cancelUnauthorized: true }, klarna);
    const other = {
      ...world.record,
      paymentRequestId: `${key.paymentRequestId}-2` as typeof key.paymentRequestId,
    };
    await world.store.save(undefined, { ...other, version: 1, dueAt: undefined });
    await world.authorizations.keep(account, reference, report(world));
    await sweptAt(world, 45, 60);
    expect(world.record).toMatchObject({ state: 'COMPLETED', attention: 'not_authorized' });
    expect([world.record.cancellation, world.klarna.calls]).toEqual([undefined, []]);
  });

  it('a report after the report of the shop is dropped after some attempts', async () => {
    const world = await approved();
    await reportAuthorization(world.dependencies)(key, { requestedBy: 'shop' });
    await world.authorizations.keep(account, reference, report(world));
    const left: number[] = [];
    for (let attempt = 0; attempt < 6; attempt += 1)
      left.push(await joinReference(world.dependencies)(account, reference));
    expect(left).toEqual([1, 1, 1, 1, 1, 0]);
  });

  it('a report that no record fits is not tried for ever', async () => {
    const world = new World();
    await world.authorizations.keep(account, reference, report(world));
    for (let attempt = 0; attempt < 40; attempt += 1)
      await joinReference(world.dependencies)(account, reference);
    expect(await world.authorizations.read(account, reference)).toMatchObject({ dueAt: undefined });
  });

  it('a fault of one reference does not hold up the others', async () => {
    const world = await approved();
    await world.authorizations.keep(account, 'a-broken-one' as Reference, report(world));
    await world.authorizations.keep(account, reference, report(world));
    const faults: unknown[] = [];
    const kept = await world.authorizations.read(account, reference);
    world.authorizations.read = (_, its) =>
      its === reference ? Promise.resolve(kept) : Promise.reject(new Error('down'));
    const onFault = (_: unknown, error: unknown) => void faults.push(error);
    await joinAuthorizations({ ...world.dependencies, onFault })(Infinity);
    expect([faults.length, world.record.confirmation?.authorizedBy]).toEqual([1, 'webhook']);
  });
});
