import { expect, it } from 'vitest';
import { type Instant, instantFromMillis } from '../../../functions/domain/instant.ts';
import { nextNanosecond } from '../../../local/klarna-simulator/clock.ts';
import { Timers } from '../../../local/klarna-simulator/timers.ts';

it('a timer fires late rather than a nanosecond early, and always fires', async () => {
  let now = instantFromMillis(Date.parse('2026-01-01T00:00:00.123Z'));
  const rung: Instant[] = [];
  const timers = new Timers(
    () => now,
    () => rung.push(now),
  );
  const at = nextNanosecond(nextNanosecond(now));
  timers.set('a', at);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(rung).toEqual([]);
  now = nextNanosecond(now);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(rung).toEqual([]);
  now = at;
  await expect.poll(() => rung).toEqual([at]);
});
