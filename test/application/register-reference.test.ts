import { describe, expect, it, vi } from 'vitest';
import { requestId } from '../support/cancel-jobs.ts';
import { key } from '../support/fixtures.ts';
import { afterNoon, minute } from '../support/sessions.ts';
import { reference, ReferenceShop } from '../support/reference-shop.ts';

describe('registerReference', () => {
  it('a registration waits, and the same again changes nothing', async () => {
    const shop = new ReferenceShop();
    expect(await shop.put()).toMatchObject({ kind: 'awaited', outcome: { kind: 'registered' } });
    expect(await shop.put()).toMatchObject({ kind: 'awaited', outcome: { kind: 'unchanged' } });
    expect(shop.world.store.records.size).toBe(0);
  });

  it('a registration after the webhook registers the request, and nothing waits', async () => {
    const shop = new ReferenceShop();
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
    const shop = new ReferenceShop();
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
    const shop = new ReferenceShop();
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
      const shop = new ReferenceShop();
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
      const shop = new ReferenceShop();
      await shop.put();
      expect(await shop.putOnce(call)).toMatchObject({ outcome: { kind: 'unchanged' } });
      await shop.put(30 * minute);
      expect(await shop.putOnce(call)).toMatchObject({ outcome: { kind: 'unchanged' } });
      expect((await shop.item())?.session?.deadlineAt).toBe(afterNoon(30));
    });

    it('after the join, a repetition shows the request that joined, even once it has ended', async () => {
      const shop = new ReferenceShop();
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
      const shop = new ReferenceShop();
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
      const shop = new ReferenceShop();
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
      const shop = new ReferenceShop();
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
      const shop = new ReferenceShop();
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
      const shop = new ReferenceShop();
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
      const shop = new ReferenceShop();
      await shop.delete();
      expect(await shop.putOnce(call)).toMatchObject({ outcome: { kind: 'cancellation_pending' } });
      expect((await shop.item())?.calls).toBeUndefined();
    });

    it.each<[string, (shop: ReferenceShop) => Promise<unknown>]>([
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
      const shop = new ReferenceShop();
      await begin(shop);
      const before = [await shop.item(), [...shop.world.store.records.values()]];
      expect(await shop.putOnce(call)).toBe('reused');
      expect(await shop.deleteOnce(call)).toBe('reused');
      expect([await shop.item(), [...shop.world.store.records.values()]]).toEqual(before);
    });

    it('two calls with one key at the same moment have the same outcome', async () => {
      const shop = new ReferenceShop();
      const both = await Promise.all([shop.putOnce(call), shop.putOnce(call)]);
      expect(both.map((each) => each !== 'reused' && each.kind === 'awaited' && each.outcome.kind)).toEqual([
        'registered',
        'registered',
      ]);
      expect((await shop.item())?.version).toBe(1);
    });
  });

  it('other writers that are faster every time make the call fail for now', async () => {
    const shop = new ReferenceShop();
    shop.world.awaited.save = () => Promise.resolve(false);
    await expect(shop.put()).rejects.toThrow(/faster/);
    await expect(shop.delete()).rejects.toThrow(/faster/);
  });
});
