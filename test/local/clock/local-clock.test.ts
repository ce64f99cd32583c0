import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ChangeSignal } from '../../../local/clock/change-signal.ts';
import { LocalClock } from '../../../local/clock/local-clock.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const hour = 3_600_000;

test('the clock shows the machine’s time until it is moved, and knows what it showed before', () => {
  const clock = new LocalClock();
  const before = Date.now() - 1;
  clock.advance(hour);
  clock.advance(hour);
  expect(clock.now() - Date.now()).toBeGreaterThan(2 * hour - 1_000);
  expect(clock.atMachineTime(before)).toBe(before);
  expect(clock.atMachineTime(Date.now() + 1)).toBeGreaterThan(before + 2 * hour);
});

test('a restart does not set the clock back', async () => {
  const file = join(await temporaryFolder(), 'clock.json');
  new LocalClock(file).advance(hour);
  expect(new LocalClock(file).ahead).toBe(hour);
});

test('a waiter wakes when the clock moves past its moment', async () => {
  const clock = new LocalClock();
  const waiting = new ChangeSignal(clock).wait(clock.now() + hour, new AbortController().signal);
  clock.advance(hour);
  await waiting;
});
