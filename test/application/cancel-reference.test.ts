import { describe, expect, it } from 'vitest';
import { requestId } from '../support/cancel-jobs.ts';
import { account, registrationWith } from '../support/fixtures.ts';
import { plusMillis } from '../../functions/domain/instant.ts';
import { cancellationWith, minute, unkeyed } from '../support/sessions.ts';
import { reference, ReferenceShop } from '../support/reference-shop.ts';

describe('cancelReference', () => {
  it('a cancel before the request is seen is kept, once, and carried out', async () => {
    const shop = new ReferenceShop();
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
    const shop = new ReferenceShop();
    await shop.put();
    await shop.delete();
    await shop.seen();
    await shop.settle();
    expect(shop.world.record).toMatchObject({ state: 'CANCELED' });
    expect(shop.world.record.session).toBeUndefined();
  });

  it('a cancel that another message has claimed is tried again, in case that message got no further', async () => {
    const shop = new ReferenceShop();
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

  it('another cancel with the key of one is refused, and none is kept', async () => {
    const shop = new ReferenceShop();
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
    const shop = new ReferenceShop();
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
      const shop = new ReferenceShop();
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
      const shop = new ReferenceShop();
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
      const shop = new ReferenceShop();
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
      const shop = new ReferenceShop();
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
      const shop = new ReferenceShop();
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
    const shop = new ReferenceShop();
    await shop.put();
    await shop.seen();
    const result = await shop.delete();
    expect(result.members).toMatchObject([{ outcome: 'canceled' }]);
    expect(await shop.settle()).toBe('joined');
    expect(shop.world.record.state).toBe('CANCELED');
    expect(shop.world.klarna.calls.filter((call) => call === 'cancel')).toHaveLength(1);
  });

  it('a cancel after the join is that of the request, even if the index lacks it', async () => {
    const shop = new ReferenceShop();
    await shop.put();
    await shop.seen();
    await shop.settle();
    shop.hideFromIndex();
    expect(await shop.delete()).toMatchObject({ members: [{ outcome: 'canceled' }], awaited: undefined });
  });

  it('a kept cancel spares a request that is paid', async () => {
    const shop = new ReferenceShop('COMPLETED');
    await shop.delete();
    await shop.seen();
    expect(await shop.settle()).toBe('joined');
    expect(shop.world.klarna.calls).toEqual(['read']);
    expect(shop.world.record.state).toBe('COMPLETED');
  });
});
