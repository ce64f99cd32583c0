import { expect, test } from 'vitest';
import { startBackgroundLoop } from '../../../local/shared/background-loop.ts';

test('closing a loop does not wait longer than its limit', async () => {
  const loop = startBackgroundLoop(
    'stubborn',
    () => Promise.withResolvers<undefined>().promise,
    () => undefined,
    10,
  );
  await loop.close();
});

test('a loop that fails is logged under its name', async () => {
  const logged: string[] = [];
  const loop = startBackgroundLoop(
    'fragile',
    () => Promise.reject(new Error('out of luck')),
    (line) => logged.push(line),
  );
  await loop.close();
  expect(logged).toEqual(['fragile has stopped: Error: out of luck']);
});
