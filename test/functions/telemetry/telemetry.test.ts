import middy from '@middy/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { metrics } from '../../../functions/contract/metric-names.ts';
import {
  continueTrace,
  count,
  currentTraceId,
  fault,
  measure,
  note,
  telemetry,
  warn,
} from '../../../functions/telemetry/telemetry.ts';
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
    expect(String(line?.['error_stack'])).toMatch(/^\s+at .*telemetry\.test\.ts/);
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
  const noteIn = async (traceId: string) => {
    vi.stubEnv('_X_AMZN_TRACE_ID', traceId);
    await middy()
      .use(telemetry())
      .handler(() => {
        note('test.news', { state: 'CANCELED', reason: undefined });
      })({}, lambdaContext());
    return output.lines();
  };
  const traceId = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8';

  it('a log line has a level and a timestamp, and no field without a value', async () => {
    const [line, ...others] = await noteIn(`${traceId};Sampled=0`);
    expect(others).toEqual([]);
    expect(line).toMatchObject({ level: 'INFO', code: 'test.news', state: 'CANCELED' });
    expect(line).not.toHaveProperty('reason');
    expect(line).not.toHaveProperty('xray_trace_id');
    expect(new Date(String(line?.['timestamp'])).toISOString()).toBe(line?.['timestamp']);
  });

  it('a log line has the trace id where X-Ray records the trace', async () => {
    const [line] = await noteIn(`${traceId};Sampled=1`);
    expect(line).toHaveProperty('xray_trace_id', '1-5759e988-bd862e3fe1be46a994272793');
  });
});

describe('traces', () => {
  it('a line about a Payment Request has its trace id, and another line has none', async () => {
    const id = 'krn:payment:eu1:request:552603c0-fe8b-4ab1-aacb-41d55fafbdb4';
    const lines = await metricsOf(() => {
      note('test.news', { account: 'shop-se', payment_request_id: id });
      fault('test.fault', new Error('broken'));
    });
    expect(lines.map((line) => line['trace_id'])).toEqual(['552603c0fe8b4ab1aacb41d55fafbdb4', undefined]);
  });

  it('the trace of a caller is in all lines of its invocation, and in none of the next', async () => {
    const lines = await metricsOf(() => {
      continueTrace('0af7651916cd43dd8448eb211c80319c');
      note('test.news');
      warn('test.warning');
    });
    expect(new Set(lines.map((line) => line['caller_trace_id'])).size).toBe(1);
    expect(currentTraceId()).toBe('0af7651916cd43dd8448eb211c80319c');
    await metricsOf(() => undefined);
    expect(currentTraceId()).toBeUndefined();
  });
});

it('a warning has the request id and the service, which a line of ordinary information does without', async () => {
  const lines = await metricsOf(() => {
    note('test.news');
    warn('test.warning');
  });
  const id = lambdaContext().awsRequestId;
  expect(lines.map((line) => line['function_request_id'])).toEqual([undefined, id]);
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
      count('Attention');
    });
    expect(lines.flatMap((line) => line['level'] ?? [])).toEqual(written);
    expect(lines.some((line) => line['Attention'] === 1)).toBe(true);
  },
);

/** Calls a handler once that does this work, and returns the lines that it wrote. */
async function metricsOf(work: () => void, context = lambdaContext()) {
  const handler = middy()
    .use(telemetry())
    .handler(() => {
      work();
    });
  await handler({}, context);
  return output.lines();
}

describe('metrics', () => {
  it('metrics are in the embedded format, with the name of this Lapse as the only dimension', async () => {
    vi.stubEnv('METRICS_STACK', 'Lapse-live');
    const [line, ...others] = await metricsOf(() => {
      count('Attention');
      count('Attention', 2);
      measure('TimerLateness', 40);
    });
    expect(others).toEqual([]);
    expect(line).toMatchObject({
      _aws: {
        CloudWatchMetrics: [
          {
            Namespace: 'Lapse',
            Dimensions: [['stack']],
            Metrics: [{ Name: 'Attention' }, { Name: 'TimerLateness' }],
          },
        ],
      },
      stack: 'Lapse-live',
      Attention: [1, 2],
      TimerLateness: 40,
    });
  });

  it('an invocation without metrics writes no line', async () => {
    expect(await metricsOf(() => undefined)).toEqual([]);
  });

  it('a log line and the metrics of its invocation are one line', async () => {
    const lines = await metricsOf(() => {
      count('Attention');
      note('test.first');
      note('test.last');
      count('BadSignature');
    });
    expect(lines).toMatchObject([
      { code: 'test.first' },
      { code: 'test.last', Attention: 1, BadSignature: 1, _aws: {} },
    ]);
    expect(lines[0]).not.toHaveProperty('_aws');
  });

  it('a warning is written at once, with what has been counted, because the invocation may be stopped', async () => {
    await metricsOf(() => {
      note('test.news');
      count('Attention');
      warn('test.warning');
      expect(output.lines()).toMatchObject([{ code: 'test.news' }, { code: 'test.warning', Attention: 1 }]);
    });
    expect(output.lines()).toHaveLength(2);
  });

  it('metrics are written before a line has more than 100 values of one of them', async () => {
    const lines = await metricsOf(() => {
      for (let index = 0; index < 250; index += 1) measure('KlarnaMillis', index);
    });
    const values = lines.map((line) => [line['KlarnaMillis']].flat());
    expect(values.map(({ length }) => length)).toEqual([100, 100, 50]);
    expect(values.flat()).toEqual(Array.from({ length: 250 }, (_each, index) => index));
  });

  it('no line can have more metrics than CloudWatch accepts', () => {
    expect(Object.keys(metrics).length).toBeLessThan(100);
  });

  it.each([
    ['less than half', 5_001, undefined],
    ['half', 5_000, 50],
    ['nearly all', 100, 99],
  ])('an invocation that took %s of its time limit measures %s', async (_, left, used) => {
    const times = [10_000, left];
    const context = { ...lambdaContext(), getRemainingTimeInMillis: () => times.shift() ?? 0 };
    const [line] = await metricsOf(() => undefined, context);
    expect(line?.['TimeLimitUsed']).toBe(used);
  });
});

it.each([
  ['misconfigured', notAllowed, { ConfigurationFault: 1 }],
  ['internal', rejected, { InternalFault: 1 }],
] as const)(
  'a fault that another try does not help is counted by its kind: %s',
  async (kind, error, metric) => {
    const lines = await metricsOf(() => {
      fault('test.fault', error);
    });
    expect(lines).toMatchObject([{ fault: kind, ...metric }]);
  },
);

it('a transient fault is not counted among those that need a person', async () => {
  const lines = await metricsOf(() => {
    fault('test.fault', throttled);
  });
  expect(lines).toMatchObject([{ fault: 'transient' }]);
  expect(lines[0]).not.toHaveProperty('_aws');
});

it('metrics are written even if the invocation fails', async () => {
  const handler = middy()
    .use(telemetry())
    .handler(() => {
      count('Attention');
      throw new Error('broken');
    });
  await expect(handler({}, lambdaContext())).rejects.toThrow('broken');
  expect(output.lines()).toContainEqual(expect.objectContaining({ Attention: 1 }));
});
