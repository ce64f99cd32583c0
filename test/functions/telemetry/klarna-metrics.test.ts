import { expect, it } from 'vitest';
import middy from '@middy/core';
import { withMetrics } from '../../../functions/telemetry/klarna-metrics.ts';
import { telemetry } from '../../../functions/telemetry/telemetry.ts';
import { captureOutput } from '../../support/captured-output.ts';
import { key, settingsWith } from '../../support/fixtures.ts';
import { lambdaContext } from '../../support/lambda-events.ts';
import { denied, ScriptedKlarna, unclear } from '../../support/scripted-klarna.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const output = captureOutput();

it('withMetrics times every Klarna response, counts unclear ones, and returns it unchanged', async () => {
  const clock = new VirtualClock();
  const klarna = new ScriptedKlarna('SUBMITTED').responses('cancel', unclear);
  const measured = withMetrics(klarna, clock);
  const { klarna: credentials } = settingsWith();
  const handler = middy()
    .use(telemetry())
    .handler(async () => [
      await measured.read(credentials, key.paymentRequestId, 1_000),
      await measured.cancel(credentials, key.paymentRequestId, 1_000),
    ]);
  expect(await handler({}, lambdaContext())).toEqual([klarna.shown(), unclear]);
  expect(output.lines()).toContainEqual(
    expect.objectContaining({
      KlarnaUnclear: 1,
      KlarnaMillis: [0, 0],
    }),
  );
});

it.each([
  ['certificate', { certificate: 'INVALID' }],
  ['address', { address: 'DENIED' }],
] as const)(
  'withMetrics tells of a failed check of the %s, once in five minutes for each process',
  async (check, checks) => {
    const clock = new VirtualClock();
    const klarna = new ScriptedKlarna('SUBMITTED');
    klarna.instead = () => ({ ...klarna.shown(), checks });
    const measured = withMetrics(klarna, clock);
    const { klarna: credentials } = settingsWith();
    const read = () =>
      measured.read({ ...credentials, credential: `of ${check}` }, key.paymentRequestId, 1_000);
    await read();
    await read();
    const told = {
      level: 'WARN',
      code: `klarna.${check}`,
      fault: 'misconfigured',
      status: checks[check as never] as unknown,
    };
    expect(output.lines()).toMatchObject([{ ...told, credential: `of ${check}`, ConfigurationFault: 1 }]);
    clock.advance(300_000);
    await read();
    expect(output.lines()).toHaveLength(2);
  },
);

it('withMetrics says nothing of checks that a call would pass', async () => {
  const klarna = new ScriptedKlarna('SUBMITTED');
  klarna.instead = () => ({ ...klarna.shown(), checks: { certificate: 'NOT_PRESENT', address: 'ALLOWED' } });
  await withMetrics(klarna, new VirtualClock()).read(settingsWith().klarna, key.paymentRequestId, 1_000);
  expect(output.lines()).toEqual([]);
});

it('withMetrics logs a response that refuses the credentials, and counts it as a fault of the configuration', async () => {
  const klarna = new ScriptedKlarna('SUBMITTED').responses('read', denied());
  const measured = withMetrics(klarna, new VirtualClock());
  await measured.read(settingsWith().klarna, key.paymentRequestId, 1_000);
  expect(output.lines()).toMatchObject([
    {
      level: 'WARN',
      code: 'klarna.denied',
      fault: 'misconfigured',
      payment_request_id: key.paymentRequestId,
      ConfigurationFault: 1,
    },
  ]);
});
