import { describe, expect, it, vi } from 'vitest';
import { settleReference } from '../../functions/application/settle-reference.ts';
import { plusMillis } from '../../functions/domain/instant.ts';
import { requestId } from '../support/cancel-jobs.ts';
import { account, key, observed, registrationWith } from '../support/fixtures.ts';
import { afterNoon, minute, session } from '../support/sessions.ts';
import { reference, referenceKey, registration, ReferenceShop } from '../support/reference-shop.ts';

describe('settleReference', () => {
  it('the request that is seen gets the session, once, and its own deadline', async () => {
    const shop = new ReferenceShop();
    await shop.put();
    await shop.seen();
    expect(await shop.settle()).toBe('joined');
    expect(shop.world.record).toMatchObject({ reference, timer: 'armed', deadlineAt: afterNoon(20) });
    const { version } = shop.world.record;
    expect(await shop.settle()).toBe('nothing');
    expect(shop.world.record.version).toBe(version);
  });

  it('a request that the index does not list yet joins by its id', async () => {
    const shop = new ReferenceShop();
    await shop.put();
    await shop.seen();
    shop.hideFromIndex();
    expect(await shop.settle(key.paymentRequestId)).toBe('joined');
  });

  it('of two requests the first joins, and the other stays as it is', async () => {
    const shop = new ReferenceShop();
    await shop.put();
    await shop.seen(1, requestId(1));
    await shop.seen(2, requestId(2));
    expect(await shop.settle(requestId(2))).toBe('joined');
    const second = await shop.world.store.read({ account, paymentRequestId: requestId(2) });
    expect([(await shop.item())?.paymentRequestId, second?.session]).toEqual([requestId(1), undefined]);
  });

  it('a request that its caller has registered keeps its own session', async () => {
    const shop = new ReferenceShop();
    await shop.put();
    await shop.world.register(registrationWith({ reference }));
    const { session: own } = shop.world.record;
    expect(await shop.settle()).toBe('joined');
    expect(shop.world.record.session).toEqual(own);
  });

  it("a request that the account's default has armed gets the session that waited", async () => {
    const shop = new ReferenceShop();
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
    const shop = new ReferenceShop();
    await shop.put(minute);
    await shop.seen();
    await shop.world.clock.wait(10 * minute);
    expect(await shop.settle()).toBe('joined');
    const { deadlineAt, timer } = shop.world.record;
    expect(timer).toBe('armed');
    expect((deadlineAt ?? '') <= afterNoon(11)).toBe(true);
  });

  it('a function that ends between the registration and the join is repaired by the next one', async () => {
    const shop = new ReferenceShop();
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
    const shop = new ReferenceShop();
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
    const shop = new ReferenceShop();
    await shop.delete();
    await shop.seen();
    const held = { ...shop.world.dependencies, turn: () => Promise.resolve(false) };
    expect(await settleReference(held)(referenceKey, shop.world.settings)).toBe('held');
    expect((await shop.item())?.status).toBe('waiting');
  });

  it('another writer that is faster each time leaves it to a later call', async () => {
    const shop = new ReferenceShop();
    await shop.put();
    shop.world.awaited.save = () => Promise.resolve(false);
    expect(await shop.settle()).toBe('moving');
  });

  it('a session that another message has registered has its timer armed, in case that message got no further', async () => {
    const shop = new ReferenceShop();
    await shop.put();
    await shop.seen();
    await shop.world.register(registration());
    await shop.world.timer.remove();
    expect(await shop.settle()).toBe('joined');
    expect(shop.world.timer.deadline).toBe(shop.world.record.deadlineAt);
  });

  it.each<[string, (shop: ReferenceShop) => Promise<unknown>]>([
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
    const shop = new ReferenceShop();
    await shop.put();
    await shop.seen();
    await move(shop);
    expect(await shop.settle()).toBe('joined');
    const moved = plusMillis(afterNoon(30), 1_000);
    expect(shop.world.record.deadlineAt).toBe(moved);
    expect(shop.world.timer.deadline).toBe(moved);
  });
});

describe('the stream and the sweep', () => {
  it('a write of a request with the reference hands over what waits, and nothing where nothing waits', async () => {
    const shop = new ReferenceShop();
    await shop.seen();
    await shop.follow(shop.world.record);
    expect(shop.handedOver).toEqual([]);
    await shop.put();
    await shop.settle();
    const other = new ReferenceShop();
    await other.put();
    await other.seen();
    await other.follow(other.world.record);
    expect(other.handedOver).toEqual([[referenceKey, key.paymentRequestId]]);
  });

  it('an older webhook that names the reference first hands over what waits', async () => {
    const shop = new ReferenceShop();
    await shop.world.webhook(observed('IN_PROGRESS', afterNoon(2)));
    await shop.put();
    await shop.world.webhook(observed('SUBMITTED', afterNoon(1), { reference }));
    expect(shop.world.record.history.at(-1)?.effect).toBe('stale');
    await shop.follow(shop.world.record);
    expect(shop.handedOver).toEqual([[referenceKey, key.paymentRequestId]]);
  });

  it('a write of what waits finds a request that was seen before', async () => {
    const shop = new ReferenceShop();
    await shop.put();
    await shop.followItem();
    expect(shop.handedOver).toEqual([]);
    await shop.seen();
    await shop.followItem();
    expect(shop.handedOver).toEqual([[referenceKey, key.paymentRequestId]]);
  });

  it('the sweep settles what the stream has missed, and what is over', async () => {
    const shop = new ReferenceShop();
    await shop.put();
    await shop.seen();
    expect(await shop.sweep()).toEqual({});
    await shop.world.clock.wait(2 * minute);
    expect(await shop.sweep()).toEqual({ joined: 1 });
    expect(shop.world.record.timer).toBe('armed');
    expect(await shop.sweep()).toEqual({});
  });

  it('a reference that fails is put off, and the sweep goes on', async () => {
    const shop = new ReferenceShop();
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
