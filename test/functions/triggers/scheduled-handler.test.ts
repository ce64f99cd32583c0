import { expect, it, vi } from 'vitest';
import { klarnaBudget } from '../../../functions/application/cancel-payment-request.ts';
import { recurringHandler } from '../../../functions/triggers/scheduled-handler.ts';
import { captureOutput } from '../../support/captured-output.ts';
import { lambdaContext, recurringEvent } from '../../support/lambda-events.ts';

captureOutput();

it('recurringHandler stops early enough for a whole attempt at Klarna and its writes', async () => {
  const now = Date.parse('2026-03-01T12:00:00Z');
  vi.spyOn(Date, 'now').mockReturnValue(now);
  const handler = recurringHandler((...times) => Promise.resolve(times));
  const [until, timeLimit] = await handler(recurringEvent, lambdaContext(60_000));
  expect([until, timeLimit]).toEqual([now + 40_000, now + 60_000]);
  expect(now + 60_000 - until).toBeGreaterThan(klarnaBudget);
});

it('recurringHandler fails when its work fails', async () => {
  const handler = recurringHandler(() => Promise.reject(new Error('the table is away')));
  await expect(handler(recurringEvent, lambdaContext())).rejects.toThrow('the table is away');
});
