import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { warmUpOf } from '../../../functions/cold-start/warm-up.ts';
import { setFunctionEnvironment } from '../../support/function-environment.ts';

afterEach(() => vi.useRealTimers());

describe('warmUpOf', () => {
  it('a warm-up waits for all its parts', async () => {
    const done: string[] = [];
    await warmUpOf(
      () => Promise.resolve(done.push('a')),
      () => Promise.resolve(done.push('b')),
    )();
    expect(done).toEqual(['a', 'b']);
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('no route'))],
    [
      'throws',
      () => {
        throw new Error('a bug');
      },
    ],
  ])('a warm-up resolves and does the other part when one part %s', async (_, failing) => {
    const other = vi.fn(() => Promise.resolve());
    await expect(warmUpOf(failing, other)()).resolves.toBeUndefined();
    expect(other).toHaveBeenCalledOnce();
  });

  it('a warm-up ends within a second when a part hangs', async () => {
    vi.useFakeTimers();
    let over = false;
    void warmUpOf(() => new Promise(() => undefined))().then(() => (over = true));
    await vi.advanceTimersByTimeAsync(999);
    expect(over).toBe(true);
  });
});

describe('a warm-up without a network', () => {
  /** Accepts every connection, and never responds. */
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  afterAll(() => silent.close());

  it.each(['refused', 'silent'] as const)('every function starts when connections are %s', async (kind) => {
    vi.resetModules();
    if (!silent.listening) await once(silent, 'listening');
    const port = kind === 'refused' ? 9 : (silent.address() as AddressInfo).port;
    const url = `https://127.0.0.1:${port}`;
    setFunctionEnvironment({ KLARNA_TEST_URL: url, KLARNA_LIVE_URL: url });
    process.env['AWS_ENDPOINT_URL'] = url;
    const functions = await Promise.all([
      import('../../../functions/register-payment-request.ts'),
      import('../../../functions/get-payment-request.ts'),
      import('../../../functions/cancel-payment-request.ts'),
      import('../../../functions/receive-klarna-webhook.ts'),
      import('../../../functions/cancel-expired-session.ts'),
      import('../../../functions/reconcile-payment-requests.ts'),
      import('../../../functions/publish-state-changes.ts'),
    ]);
    await expect(Promise.all(functions.map(({ warmUp }) => warmUp()))).resolves.toHaveLength(7);
    for (const { handler } of functions) expect(handler).toBeTypeOf('function');
  });
});
