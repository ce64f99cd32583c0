import middy from '@middy/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { count, fault, telemetry } from '../../functions/runtime/telemetry.ts';
import { captureOutput } from '../support/captured-output.ts';
import { lambdaContext } from '../support/lambda-events.ts';

afterEach(() => vi.restoreAllMocks());

describe('a fault', () => {
  it('is one line with what it is, and where it happened', () => {
    const output = captureOutput();
    const cause = new RangeError('behind it');
    fault('test.fault', new TypeError('broken', { cause }), { message_id: '7' });
    const [line] = output.lines();
    expect(line).toMatchObject({
      level: 'ERROR',
      code: 'test.fault',
      message_id: '7',
      error: 'TypeError',
      error_message: 'broken',
      error_cause: 'RangeError',
    });
    expect(String(line?.['stack'])).toMatch(/^\s+at .*telemetry\.test\.ts/);
  });

  it('says a long message once, and not all of it', () => {
    const output = captureOutput();
    fault('test.fault', new Error(`${'x'.repeat(600)}the end`));
    expect(output.text()).not.toContain('the end');
    expect(output.text().split('x'.repeat(500))).toHaveLength(2);
  });

  it('that is no Error says nothing of what it is', () => {
    const output = captureOutput();
    fault('test.fault', { secret: 'planted' });
    expect(output.text()).not.toContain('planted');
  });
});

it('metrics are written at the end, also of an invocation that fails', async () => {
  const output = captureOutput();
  const handler = middy()
    .use(telemetry())
    .handler(() => {
      count('Attempts');
      throw new Error('broken');
    });
  await expect(handler({}, lambdaContext())).rejects.toThrow('broken');
  expect(output.lines()).toContainEqual(expect.objectContaining({ Attempts: 1 }));
});
