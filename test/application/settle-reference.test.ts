import { describe, expect, it, vi } from 'vitest';
import { cancelPaymentRequest } from '../../functions/application/cancel-payment-request.ts';
import { cancelReference } from '../../functions/application/cancel-session.ts';
import { followReference, followWrite } from '../../functions/application/follow-write.ts';
import { registerReference } from '../../functions/application/register-reference.ts';
import { settleReference } from '../../functions/application/settle-reference.ts';
import { settleReferences } from '../../functions/application/settle-references.ts';
import {
  parseReference,
  type PaymentRequestId,
  type ReferenceKey,
} from '../../functions/domain/identifiers.ts';
import type { IdempotentCall } from '../../functions/domain/idempotent-call.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import { requestId } from '../support/cancel-jobs.ts';
import { account, key, observed, registrationWith } from '../support/fixtures.ts';
import { plusMillis } from '../../functions/domain/instant.ts';
import { afterNoon, cancellationWith, minute, session, unkeyed } from '../support/sessions.ts';
import { ScriptedKlarna } from '../support/scripted-klarna.ts';
import { World } from '../support/world.ts';

const reference = parseReference('order-4711') ?? fail();
const referenceKey = { account, reference };

function fail(): never {
  throw new Error('nothing');
}

const registration = (millis = 20 * minute) =>
  registrationWith({ deadline: { kind: 'session_timeout', millis, given: `PT${millis / 1000}S` } });

const command = { cause: 'api', reason: 'out', requestedBy: 'test', allowCompleted: false } as const;

/** The use cases of references, on one world. */
class Shop {
  readonly world: World;
  readonly handedOver: [ReferenceKey, PaymentRequestId][] = [];
  readonly faults: unknown[] = [];

  constructor(state?: PaymentRequestState) {
    this.world = new World(new ScriptedKlarna(state ?? 'SUBMITTED'));
  }

  putOnce = (call?: IdempotentCall, millis?: number) =>
    registerReference(this.world.dependencies)(referenceKey, registration(millis), this.world.settings, call);

  put = async (millis?: number) => unkeyed(await this.putOnce(undefined, millis));

  deleteOnce = (call?: IdempotentCall) =>
    cancelReference({
      ...this.world.dependencies,
      cancel: cancelPaymentRequest(this.world.dependencies),
      isDryRun: false,
    })(reference, command, this.world.settings, call);

  delete = async () => unkeyed(await this.deleteOnce());

  /** Klarna's webhook with the reference. */
  seen = (minutes = 1, id: PaymentRequestId = key.paymentRequestId) =>
    this.world.store.observe(
      { account, paymentRequestId: id },
      { ...observed('SUBMITTED', afterNoon(minutes)), reference },
    );

  settle = (seen?: PaymentRequestId) =>
    settleReference(this.world.dependencies)(referenceKey, this.world.settings, seen);

  sweep = () =>
    settleReferences({
      ...this.world.dependencies,
      onReferenceFault: (_, error) => void this.faults.push(error),
    })(this.world.clock.now() + 40_000);

  /** From now on the index lists no request with the reference. */
  hideFromIndex(): void {
    this.world.store.ofReference = async function* () {
      yield* await Promise.resolve([]);
    };
  }

  item = () => this.world.awaited.read(referenceKey);

  get #following() {
    const handOver = {
      compare: () => Promise.resolve(),
      settle: (...asked: [ReferenceKey, PaymentRequestId]) => {
        this.handedOver.push(asked);
        return Promise.resolve();
      },
    };
    const onFollowFault = (_: unknown, error: unknown) => void this.faults.push(error);
    return { ...this.world.dependencies, handOver, onFollowFault };
  }

  follow = (record: PaymentRequest) => followWrite(this.#following)(record);

  followItem = async () => followReference(this.#following)((await this.item()) ?? fail());
}

describe('registerReference', () => {
  it('a registration waits, and the same again changes nothing', async () => {
    const shop = new Shop();
    expect(await shop.put()).toMatchObject({ kind: 'awaited', outcome: { kind: 'registered' } });
    expect(await shop.put()).toMatchObject({ kind: 'awaited', outcome: { kind: 'unchanged' } });
    expect(shop.world.store.records.size).toBe(0);
  });

  it('a registration after the webhook registers the request, and nothing waits', async () => {
    const shop = new Shop();
    await shop.seen();
    expect(await shop.put()).toMatchObject({
      kind: 'request',
      key,
      result: { outcome: { kind: 'registered' } },
    });
    expect(shop.world.record).toMatchObject({ reference, timer: 'armed' });
    expect(await shop.item()).toBeUndefined();
  });

  it('a registration after the join is about the request that joined, even if the index lacks it', async () => {
    const shop = new Shop();
    await shop.put();
    await shop.seen();
    await shop.settle();
    shop.hideFromIndex();
    expect(await shop.put()).toMatchObject({
      kind: 'request',
      key,
      result: { outcome: { kind: 'unchanged' } },
    });
  });

  it('after the request has ended, the reference can be used again', async () => {
    const shop = new Shop();
    await shop.put();
    await shop.seen();
    await shop.settle();
    await shop.delete();
    expect(shop.world.record.state).toBe('CANCELED');
    expect(await shop.put()).toMatchObject({ kind: 'awaited', outcome: { kind: 'registered' } });
    expect(await shop.settle()).toBe('waiting');
    await shop.seen(2, requestId(2));
    expect(await shop.settle()).toBe('joined');
    expect((await shop.item())?.paymentRequestId).toBe(requestId(2));
  });

  describe('with a key', () => {
    const call = { key: 'k'.repeat(16), request: 'r'.repeat(16) };

    it('a repetition has the first outcome, and leaves a later deadline alone', async () => {
      const shop = new Shop();
      expect(await shop.putOnce(call)).toMatchObject({ kind: 'awaited', outcome: { kind: 'registered' } });
      await shop.put(30 * minute);
      const item = await shop.item();
      expect(await shop.putOnce(call)).toEqual({
        kind: 'repeated',
        outcome: { kind: 'registered' },
        paymentRequestId: undefined,
        records: [],
        awaited: item,
      });
      expect(await shop.item()).toEqual(item);
    });

    it('a registration that changes nothing is kept too', async () => {
      const shop = new Shop();
      await shop.put();
      expect(await shop.putOnce(call)).toMatchObject({ outcome: { kind: 'unchanged' } });
      await shop.put(30 * minute);
      expect(await shop.putOnce(call)).toMatchObject({ outcome: { kind: 'unchanged' } });
      expect((await shop.item())?.session?.deadlineAt).toBe(afterNoon(30));
    });

    it('after the join, a repetition shows the request that joined, even once it has ended', async () => {
      const shop = new Shop();
      await shop.putOnce(call);
      await shop.seen();
      await shop.settle();
      await shop.delete();
      expect(await shop.putOnce(call)).toMatchObject({
        kind: 'repeated',
        outcome: { kind: 'registered' },
        records: [{ paymentRequestId: key.paymentRequestId, state: 'CANCELED' }],
        awaited: { status: 'joined' },
      });
    });

    it('the record of a request that was known keeps the call, so that nothing waits once it has ended', async () => {
      const shop = new Shop();
      await shop.seen();
      await shop.putOnce(call);
      await shop.delete();
      expect(await shop.putOnce(call)).toMatchObject({
        kind: 'repeated',
        outcome: { kind: 'registered' },
        paymentRequestId: key.paymentRequestId,
        records: [{ state: 'CANCELED' }],
      });
      expect(await shop.item()).toBeUndefined();
    });

    it('the record of the request that joined is read, even if the index lacks it and something waits again', async () => {
      const shop = new Shop();
      await shop.put();
      await shop.seen();
      await shop.settle();
      await shop.putOnce(call);
      await shop.delete();
      await shop.put(30 * minute);
      shop.hideFromIndex();
      const before = await shop.item();
      expect(await shop.putOnce(call)).toMatchObject({ kind: 'repeated', outcome: { kind: 'unchanged' } });
      expect(await shop.item()).toEqual(before);
    });

    it('a repetition after a crash is about the request of the first call, even if that has ended', async () => {
      const shop = new Shop();
      await shop.seen();
      const save = shop.world.store.save.bind(shop.world.store);
      const crashing = vi.spyOn(shop.world.store, 'save').mockImplementation((known, next) => {
        if (next.calls?.some(({ outcome }) => outcome === 'registered')) throw new Error('crash');
        return save(known, next);
      });
      await expect(shop.putOnce(call)).rejects.toThrow('crash');
      crashing.mockRestore();
      await shop.delete();
      expect(await shop.putOnce(call)).toMatchObject({
        kind: 'request',
        result: { outcome: { kind: 'already_final' } },
      });
      expect(await shop.item()).toBeUndefined();
    });

    it('a request that was erased is not shown', async () => {
      const shop = new Shop();
      await shop.putOnce(call);
      await shop.seen();
      await shop.settle();
      await shop.delete();
      const { record } = shop.world;
      await shop.world.store.save(record, {
        ...record,
        reference: undefined,
        erasedAt: afterNoon(2),
        version: record.version + 1,
      });
      expect(await shop.putOnce(call)).toMatchObject({ kind: 'repeated', records: [] });
    });

    it('a registration after never_seen keeps the calls of what waited before', async () => {
      const shop = new Shop();
      await shop.putOnce(call);
      shop.world.clock.advance(21 * minute);
      await shop.settle();
      expect((await shop.item())?.status).toBe('never_seen');
      expect(await shop.putOnce(call)).toMatchObject({
        outcome: { kind: 'registered' },
        awaited: { status: 'never_seen' },
      });
      await shop.put();
      expect(await shop.putOnce(call)).toMatchObject({ awaited: { status: 'waiting' } });
      expect((await shop.item())?.calls).toHaveLength(1);
    });

    it('a refused registration is not kept', async () => {
      const shop = new Shop();
      await shop.delete();
      expect(await shop.putOnce(call)).toMatchObject({ outcome: { kind: 'cancellation_pending' } });
      expect((await shop.item())?.calls).toBeUndefined();
    });

    it.each<[string, (shop: Shop) => Promise<unknown>]>([
      ['a registration that waits', (shop) => shop.putOnce({ ...call, request: 's'.repeat(16) })],
      ['a cancel that waits', (shop) => shop.deleteOnce({ ...call, request: 's'.repeat(16) })],
      [
        'a registration of a request that was known',
        async (shop) => {
          await shop.seen();
          await shop.putOnce({ ...call, request: 's'.repeat(16) });
        },
      ],
      [
        'a registration whose request has joined',
        async (shop) => {
          await shop.putOnce({ ...call, request: 's'.repeat(16) });
          await shop.seen();
          await shop.settle();
        },
      ],
    ])('a key of %s is refused for another call', async (_, begin) => {
      const shop = new Shop();
      await begin(shop);
      const before = [await shop.item(), [...shop.world.store.records.values()]];
      expect(await shop.putOnce(call)).toBe('reused');
      expect(await shop.deleteOnce(call)).toBe('reused');
      expect([await shop.item(), [...shop.world.store.records.values()]]).toEqual(before);
    });

    it('two calls with one key at the same moment have the same outcome', async () => {
      const shop = new Shop();
      const both = await Promise.all([shop.putOnce(call), shop.putOnce(call)]);
      expect(both.map((each) => each !== 'reused' && each.kind === 'awaited' && each.outcome.kind)).toEqual([
        'registered',
        'registered',
      ]);
      expect((await shop.item())?.version).toBe(1);
    });
  });

  it('other writers that are faster every time make the call fail for now', async () => {
    const shop = new Shop();
    shop.world.awaited.save = () => Promise.resolve(false);
    await expect(shop.put()).rejects.toThrow(/faster/);
    await expect(shop.delete()).rejects.toThrow(/faster/);
  });
});

describe('settleReference', () => {
  it('the request that is seen gets the session, once, and its own deadline', async () => {
    const shop = new Shop();
    await shop.put();
    await shop.seen();
    expect(await shop.settle()).toBe('joined');
    expect(shop.world.record).toMatchObject({ reference, timer: 'armed', deadlineAt: afterNoon(20) });
    const { version } = shop.world.record;
    expect(await shop.settle()).toBe('nothing');
    expect(shop.world.record.version).toBe(version);
  });

  it('a request that the index does not list yet joins by its id', async () => {
    const shop = new Shop();
    await shop.put();
    await shop.seen();
    shop.hideFromIndex();
    expect(await shop.settle(key.paymentRequestId)).toBe('joined');
  });

  it('of two requests the first joins, and the other stays as it is', async () => {
    const shop = new Shop();
    await shop.put();
    await shop.seen(1, requestId(1));
    await shop.seen(2, requestId(2));
    expect(await shop.settle(requestId(2))).toBe('joined');
    const second = await shop.world.store.read({ account, paymentRequestId: requestId(2) });
    expect([(await shop.item())?.paymentRequestId, second?.session]).toEqual([requestId(1), undefined]);
  });

  it('a request that its caller has registered keeps its own session', async () => {
    const shop = new Shop();
    await shop.put();
    await shop.world.register(registrationWith({ reference }));
    const { session: own } = shop.world.record;
    expect(await shop.settle()).toBe('joined');
    expect(shop.world.record.session).toEqual(own);
  });

  it("a request that the account's default has armed gets the session that waited", async () => {
    const shop = new Shop();
    await shop.put(5 * minute);
    await shop.world.register(
      registrationWith({
        reference,
        deadline: { kind: 'deadline_at', at: afterNoon(40), given: 'on SUBMITTED' },
      }),
    );
    const armed = shop.world.record;
    await shop.world.store.save(armed, {
      ...armed,
      version: armed.version + 1,
      session: { ...session, requested: 'on SUBMITTED' },
    });
    await shop.settle();
    expect(shop.world.record.session?.requested).toMatch(/PT300S|on SUBMITTED/);
  });

  it('a deadline that passes while the join is under way ends the session soon, and does not refuse it', async () => {
    const shop = new Shop();
    await shop.put(minute);
    await shop.seen();
    await shop.world.clock.wait(10 * minute);
    expect(await shop.settle()).toBe('joined');
    const { deadlineAt, timer } = shop.world.record;
    expect(timer).toBe('armed');
    expect((deadlineAt ?? '') <= afterNoon(11)).toBe(true);
  });

  it('a function that ends between the registration and the join is repaired by the next one', async () => {
    const shop = new Shop();
    await shop.put();
    await shop.seen();
    const crashing = vi.spyOn(shop.world.awaited, 'save').mockRejectedValue(new Error('crash'));
    await expect(shop.settle()).rejects.toThrow('crash');
    expect(shop.world.record.session).toBeDefined();
    crashing.mockRestore();
    const { version } = shop.world.record;
    expect(await shop.settle()).toBe('joined');
    expect(shop.world.record.version).toBe(version);
  });

  it('what was never seen is written down after the deadline, once', async () => {
    const shop = new Shop();
    await shop.put();
    expect(await shop.settle()).toBe('waiting');
    await shop.world.clock.wait(20 * minute);
    expect(await shop.settle()).toBe('never_seen');
    expect(await shop.settle()).toBe('nothing');
    await shop.seen(30);
    expect(await shop.settle()).toBe('nothing');
    expect(shop.world.record.session).toBeUndefined();
  });

  it('it is not the turn of the account: the cancel waits', async () => {
    const shop = new Shop();
    await shop.delete();
    await shop.seen();
    const held = { ...shop.world.dependencies, turn: () => Promise.resolve(false) };
    expect(await settleReference(held)(referenceKey, shop.world.settings)).toBe('held');
    expect((await shop.item())?.status).toBe('waiting');
  });

  it('another writer that is faster each time leaves it to a later call', async () => {
    const shop = new Shop();
    await shop.put();
    shop.world.awaited.save = () => Promise.resolve(false);
    expect(await shop.settle()).toBe('moving');
  });
});

describe('cancelReference', () => {
  it('a cancel before the request is seen is kept, once, and carried out', async () => {
    const shop = new Shop();
    expect(await shop.delete()).toMatchObject({ members: [], awaited: { status: 'waiting' } });
    expect(await shop.delete()).toMatchObject({ members: [], awaited: { version: 1 } });
    expect(await shop.put()).toMatchObject({ outcome: { kind: 'cancellation_pending' } });
    await shop.seen();
    expect(await shop.settle()).toBe('joined');
    expect(shop.world.record).toMatchObject({
      state: 'CANCELED',
      cancellation: { cause: 'api', reason: 'out' },
    });
    expect(shop.world.klarna.calls).toEqual(['read', 'cancel']);
  });

  it('a cancel while the session waits ends the request when it is seen, and registers no session', async () => {
    const shop = new Shop();
    await shop.put();
    await shop.delete();
    await shop.seen();
    await shop.settle();
    expect(shop.world.record).toMatchObject({ state: 'CANCELED' });
    expect(shop.world.record.session).toBeUndefined();
  });

  it('a cancel that another message has claimed is tried again, in case that message got no further', async () => {
    const shop = new Shop();
    await shop.delete();
    await shop.seen();
    const { record } = shop.world;
    const lease = { id: 'l', until: plusMillis(shop.world.clock.instant(), 30_000) };
    await shop.world.store.save(record, {
      ...record,
      cancellation: cancellationWith({ lease }),
      version: record.version + 1,
    });
    expect(await shop.settle()).toBe('held');
    shop.world.clock.advance(minute);
    expect(await shop.settle()).toBe('joined');
    expect(shop.world.record.state).toBe('CANCELED');
  });

  it('a session that another message has registered has its timer armed, in case that message got no further', async () => {
    const shop = new Shop();
    await shop.put();
    await shop.seen();
    await shop.world.register(registration());
    await shop.world.timer.remove();
    expect(await shop.settle()).toBe('joined');
    expect(shop.world.timer.deadline).toBe(shop.world.record.deadlineAt);
  });

  it.each<[string, (shop: Shop) => Promise<unknown>]>([
    [
      'after a crash of the join',
      async (shop) => {
        const crashing = vi.spyOn(shop.world.awaited, 'save').mockRejectedValue(new Error('crash'));
        await expect(shop.settle()).rejects.toThrow('crash');
        crashing.mockRestore();
        shop.world.clock.advance(1_000);
        await shop.putOnce({ key: 'k'.repeat(16), request: 'r'.repeat(16) }, 30 * minute);
      },
    ],
    [
      'while the join goes on',
      (shop) => {
        const save = shop.world.awaited.save.bind(shop.world.awaited);
        vi.spyOn(shop.world.awaited, 'save').mockImplementationOnce(async (next) => {
          shop.world.clock.advance(1_000);
          await shop.put(30 * minute);
          return save(next);
        });
        return Promise.resolve();
      },
    ],
  ])('a deadline that is moved %s counts', async (_, move) => {
    const shop = new Shop();
    await shop.put();
    await shop.seen();
    await move(shop);
    expect(await shop.settle()).toBe('joined');
    const moved = plusMillis(afterNoon(30), 1_000);
    expect(shop.world.record.deadlineAt).toBe(moved);
    expect(shop.world.timer.deadline).toBe(moved);
  });

  it('another cancel with the key of one is refused, and none is kept', async () => {
    const shop = new Shop();
    await shop.seen();
    shop.world.clock.advance(2 * minute);
    const call = { key: '0123456789abcdef', request: 'fedcba9876543210' };
    const first = unkeyed(await shop.deleteOnce(call));
    expect(first.members).toMatchObject([{ outcome: 'canceled' }]);
    expect(unkeyed(await shop.deleteOnce(call)).members).toMatchObject([{ outcome: 'canceled' }]);
    await shop.put();
    expect(await shop.deleteOnce({ ...call, request: '0'.repeat(16) })).toBe('reused');
    expect((await shop.item())?.cancel).toBeUndefined();
  });

  it('a repetition of a cancel that waited leaves requests alone that the shop registered since, and is told of it', async () => {
    const shop = new Shop();
    const call = { key: '0123456789abcdef', request: 'fedcba9876543210' };
    const first = unkeyed(await shop.deleteOnce(call));
    const calls = [{ ...call, outcome: 'unsettled' }];
    expect(first).toMatchObject({ members: [], awaited: { status: 'waiting', calls } });
    shop.world.clock.advance(minute);
    await shop.world.register(registrationWith({ reference }));
    await shop.settle();
    expect(await shop.deleteOnce({ ...call, request: '0'.repeat(16) })).toBe('reused');
    const again = unkeyed(await shop.deleteOnce(call));
    expect(again).toMatchObject({ members: [], awaited: { status: 'joined' } });
    expect(shop.world.klarna.calls).toEqual([]);
    expect(shop.world.record.cancellation).toBeUndefined();
  });

  describe('a repetition leaves what waits since alone', () => {
    const call = { key: '0123456789abcdef', request: 'fedcba9876543210' };
    const next = { key: 'n'.repeat(16), request: 'n'.repeat(16) };

    it('after a cancel of a request that was known', async () => {
      const shop = new Shop();
      await shop.seen();
      shop.world.clock.advance(2 * minute);
      await shop.deleteOnce(call);
      shop.world.clock.advance(minute);
      await shop.putOnce(next);
      const again = unkeyed(await shop.deleteOnce(call));
      expect(again).toMatchObject({ members: [{ outcome: 'canceled' }], awaited: undefined });
      expect((await shop.item())?.cancel).toBeUndefined();
    });

    it('after a cancel that waited and was carried out: it returns that outcome', async () => {
      const shop = new Shop();
      await shop.deleteOnce(call);
      await shop.seen();
      expect(await shop.settle()).toBe('joined');
      shop.world.clock.advance(minute);
      await shop.put();
      const again = unkeyed(await shop.deleteOnce(call));
      expect(again).toMatchObject({ members: [{ outcome: 'canceled' }], awaited: undefined });
      expect((await shop.item())?.cancel).toBeUndefined();
      expect(await shop.putOnce({ ...call, request: next.request })).toBe('reused');
      await shop.seen(4, requestId(2));
      expect(await shop.settle()).toBe('joined');
      const second = await shop.world.store.read({ account, paymentRequestId: requestId(2) });
      expect(second).toMatchObject({ state: 'SUBMITTED', timer: 'armed' });
      expect(second?.calls).toBeUndefined();
    });

    it('after a cancel whose request was never seen', async () => {
      const shop = new Shop();
      await shop.deleteOnce(call);
      shop.world.clock.advance(49 * 60 * minute);
      expect(await shop.settle()).toBe('never_seen');
      await shop.put();
      expect(unkeyed(await shop.deleteOnce(call)).members).toEqual([]);
      expect((await shop.item())?.cancel).toBeUndefined();
    });

    it.each([
      ['without a key', undefined],
      ['with another key', next],
    ])('after a cancel that found one waiting %s', async (_, first) => {
      const shop = new Shop();
      await shop.deleteOnce(first);
      await shop.deleteOnce(call);
      expect(await shop.putOnce({ ...call, request: next.request })).toBe('reused');
      shop.world.clock.advance(minute);
      await shop.world.register(registrationWith({ reference }));
      await shop.settle();
      await shop.deleteOnce(call);
      expect(shop.world.record.cancellation).toBeUndefined();
    });

    it('a cancel that two calls asked for is carried out once, and each has its outcome', async () => {
      const shop = new Shop();
      await shop.deleteOnce(call);
      await shop.deleteOnce(next);
      await shop.seen();
      expect(await shop.settle()).toBe('joined');
      expect(shop.world.klarna.calls.filter((each) => each === 'cancel')).toHaveLength(1);
      expect(shop.world.record.calls).toMatchObject([
        { key: call.key, outcome: 'canceled' },
        { key: next.key, outcome: 'canceled' },
      ]);
    });
  });

  it('a cancel during the join is kept first, so that one of the two carries it out', async () => {
    const shop = new Shop();
    await shop.put();
    await shop.seen();
    const result = await shop.delete();
    expect(result.members).toMatchObject([{ outcome: 'canceled' }]);
    expect(await shop.settle()).toBe('joined');
    expect(shop.world.record.state).toBe('CANCELED');
    expect(shop.world.klarna.calls.filter((call) => call === 'cancel')).toHaveLength(1);
  });

  it('a cancel after the join is that of the request, even if the index lacks it', async () => {
    const shop = new Shop();
    await shop.put();
    await shop.seen();
    await shop.settle();
    shop.hideFromIndex();
    expect(await shop.delete()).toMatchObject({ members: [{ outcome: 'canceled' }], awaited: undefined });
  });

  it('a kept cancel spares a request that is paid', async () => {
    const shop = new Shop('COMPLETED');
    await shop.delete();
    await shop.seen();
    expect(await shop.settle()).toBe('joined');
    expect(shop.world.klarna.calls).toEqual(['read']);
    expect(shop.world.record.state).toBe('COMPLETED');
  });
});

describe('the stream and the sweep', () => {
  it('a write of a request with the reference hands over what waits, and nothing where nothing waits', async () => {
    const shop = new Shop();
    await shop.seen();
    await shop.follow(shop.world.record);
    expect(shop.handedOver).toEqual([]);
    await shop.put();
    await shop.settle();
    const other = new Shop();
    await other.put();
    await other.seen();
    await other.follow(other.world.record);
    expect(other.handedOver).toEqual([[referenceKey, key.paymentRequestId]]);
  });

  it('an older webhook that names the reference first hands over what waits', async () => {
    const shop = new Shop();
    await shop.world.webhook(observed('IN_PROGRESS', afterNoon(2)));
    await shop.put();
    await shop.world.webhook(observed('SUBMITTED', afterNoon(1), { reference }));
    expect(shop.world.record.history.at(-1)?.effect).toBe('stale');
    await shop.follow(shop.world.record);
    expect(shop.handedOver).toEqual([[referenceKey, key.paymentRequestId]]);
  });

  it('a write of what waits finds a request that was seen before', async () => {
    const shop = new Shop();
    await shop.put();
    await shop.followItem();
    expect(shop.handedOver).toEqual([]);
    await shop.seen();
    await shop.followItem();
    expect(shop.handedOver).toEqual([[referenceKey, key.paymentRequestId]]);
  });

  it('the sweep settles what the stream has missed, and what is over', async () => {
    const shop = new Shop();
    await shop.put();
    await shop.seen();
    expect(await shop.sweep()).toEqual({});
    await shop.world.clock.wait(2 * minute);
    expect(await shop.sweep()).toEqual({ joined: 1 });
    expect(shop.world.record.timer).toBe('armed');
    expect(await shop.sweep()).toEqual({});
  });

  it('a reference that fails is put off, and the sweep goes on', async () => {
    const shop = new Shop();
    await shop.put();
    await shop.seen();
    await shop.world.clock.wait(2 * minute);
    const failing = vi.spyOn(shop.world.store, 'register').mockRejectedValue(new Error('table'));
    expect(await shop.sweep()).toEqual({ failed: 1 });
    expect(await shop.sweep()).toEqual({});
    expect(await shop.item()).toMatchObject({ status: 'waiting', attempts: 1 });
    failing.mockRestore();
    await shop.world.clock.wait(2 * minute);
    expect(await shop.sweep()).toEqual({ joined: 1 });
    expect(shop.faults).toHaveLength(1);
  });
});
