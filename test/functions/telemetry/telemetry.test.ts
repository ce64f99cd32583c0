import middy from '@middy/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { count, fault, measure, note, telemetry, warn } from '../../../functions/telemetry/telemetry.ts';
import { notAllowed, rejected, throttled } from '../../support/aws-faults.ts';
import { captureOutput } from '../../support/captured-output.ts';
import { lambdaContext } from '../../support/lambda-events.ts';

const output = captureOutput();
afterEach(() => void vi.unstubAllEnvs());

describe('fault', () => {
  it('a fault is one log line with the error and its stack', () => {
    const cause = new RangeError('behind it');
    fault('test.fault', new TypeError('broken', { cause }), { message_id: '7' });
    const [line] = output.lines();
    expect(line).toMatchObject({
      level: 'ERROR',
      code: 'test.fault',
      message_id: '7',
      fault: 'internal',
      error: 'TypeError',
      error_message: 'broken',
      error_cause: 'RangeError',
    });
    expect(String(line?.['stack'])).toMatch(/^\s+at .*telemetry\.test\.ts/);
  });

  it('a fault logs the start of a long message once', () => {
    fault('test.fault', new Error(`${'x'.repeat(600)}the end`));
    expect(output.text()).not.toContain('the end');
    expect(output.text().split('x'.repeat(500))).toHaveLength(2);
  });

  it('a fault logs nothing of a value that is not an Error', () => {
    fault('test.fault', { secret: 'planted' });
    expect(output.text()).not.toContain('planted');
  });
});

describe('note', () => {
  it('a log line has a level, a timestamp, the request id and the trace id', async () => {
    vi.stubEnv(
      '_X_AMZN_TRACE_ID',
      'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1',
    );
    await middy()
      .use(telemetry())
      .handler(() => {
        note('test.news', { state: 'CANCELED', reason: undefined });
      })({}, lambdaContext());
    const [line] = output.lines();
    expect(line).toMatchObject({
      level: 'INFO',
      code: 'test.news',
      state: 'CANCELED',
      function_request_id: lambdaContext().awsRequestId,
      xray_trace_id: '1-5759e988-bd862e3fe1be46a994272793',
    });
    expect(line).not.toHaveProperty('reason');
    expect(new Date(String(line?.['timestamp'])).toISOString()).toBe(line?.['timestamp']);
  });
});

it.each([
  ['INFO', ['INFO', 'WARN', 'ERROR']],
  ['WARN', ['WARN', 'ERROR']],
  ['ERROR', ['ERROR']],
])(
  'with the log level %s, lines of the levels %j are written, and metrics in any case',
  async (level, written) => {
    vi.stubEnv('LOG_LEVEL', level);
    const lines = await metricsOf(() => {
      note('test.news');
      warn('test.warning');
      fault('test.fault', new Error('broken'));
      count('Registered');
    });
    expect(lines.flatMap((line) => line['level'] ?? [])).toEqual(written);
    expect(lines.some((line) => line['Registered'] === 1)).toBe(true);
  },
);

/** Calls a handler once that does this work, and returns the lines that it wrote. */
async function metricsOf(work: () => void) {
  const handler = middy()
    .use(telemetry())
    .handler(() => {
      work();
    });
  await handler({}, lambdaContext());
  return output.lines();
}

describe('metrics', () => {
  it('metrics are one line in the embedded format with the function as dimension', async () => {
    vi.stubEnv('METRICS_NAMESPACE', 'Lapse');
    const [line, ...others] = await metricsOf(() => {
      count('Registered');
      count('Registered', 2);
      measure('TimerLateness', 40);
    });
    expect(others).toEqual([]);
    expect(line).toMatchObject({
      _aws: {
        CloudWatchMetrics: [
          {
            Namespace: 'Lapse',
            Dimensions: [['service']],
            Metrics: [
              { Name: 'Registered', Unit: 'Count' },
              { Name: 'TimerLateness', Unit: 'Milliseconds' },
            ],
          },
        ],
      },
      Registered: [1, 2],
      TimerLateness: 40,
    });
  });

  it('an invocation without metrics writes no line', async () => {
    expect(await metricsOf(() => undefined)).toEqual([]);
  });

  it.each([
    ['values of one metric', () => 'WebhookRefused:400' as const],
    ['metrics', (index: number) => `WebhookRefused:${index}` as const],
  ] as const)('metrics are written before a line has more than 100 %s', async (_, nameOf) => {
    const lines = await metricsOf(() => {
      for (let index = 0; index < 250; index += 1) measure(nameOf(index), index);
    });
    const values = lines.map((line) =>
      Object.entries(line).flatMap(([name, value]) => (name.startsWith('WebhookRefused') ? value : [])),
    );
    expect(values.map(({ length }) => length)).toEqual([100, 100, 50]);
    expect(values.flat()).toEqual(Array.from({ length: 250 }, (_each, index) => index));
  });
});

it.each([
  ['misconfigured', notAllowed, { ConfigurationFault: 1 }],
  ['internal', rejected, { InternalFault: 1 }],
] as const)(
  'a fault that another try does not help is counted by its kind: %s',
  async (kind, error, metric) => {
    const [line, metrics] = await metricsOf(() => {
      fault('test.fault', error);
    });
    expect(line).toMatchObject({ fault: kind });
    expect(metrics).toMatchObject(metric);
  },
);

it('a transient fault is not counted among those that need a person', async () => {
  const lines = await metricsOf(() => {
    fault('test.fault', throttled);
  });
  expect(lines).toMatchObject([{ fault: 'transient' }]);
});

it('metrics are written even if the invocation fails', async () => {
  const handler = middy()
    .use(telemetry())
    .handler(() => {
      count('Registered');
      throw new Error('broken');
    });
  await expect(handler({}, lambdaContext())).rejects.toThrow('broken');
  expect(output.lines()).toContainEqual(expect.objectContaining({ Registered: 1 }));
});
