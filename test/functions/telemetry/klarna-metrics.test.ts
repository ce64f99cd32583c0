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
