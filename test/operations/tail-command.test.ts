import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { followCloudWatch } from '../../operations/log/cloudwatch-log.ts';
import { isShown, type LogFilter, readLogLine, showLine } from '../../operations/log/log-line.ts';
import { recordedPrinter, runCommand } from '../support/command-line.ts';

const at = Date.parse('2026-11-30T12:00:00Z');
const name = 'cancel-payment-request';

/** The text that tail shows of a logged line. */
function shown(text: string): string | undefined {
  const line = readLogLine(text, name, at);
  if (!line) return undefined;
  const { print, lines } = recordedPrinter();
  showLine({ print, width: name.length }, line);
  return lines.join('\n');
}

describe('a line of tail', () => {
  it('has the time, the function, the level, the code and the fields, and no metrics', () => {
    const line = {
      level: 'WARN',
      timestamp: '2026-11-30T12:00:01.500Z',
      code: 'cancel.pending',
      service: name,
      account: 'shop-se',
      attempts: 2,
      _aws: { CloudWatchMetrics: [{ Metrics: [{ Name: 'CancelPending' }], Dimensions: [['stack']] }] },
      stack: 'Lapse-test',
      CancelPending: 1,
    };
    expect(shown(JSON.stringify(line))).toBe(
      `2026-11-30T12:00:01.500Z  ${name}  WARN   cancel.pending  account=shop-se  attempts=2`,
    );
  });

  it('is not shown where there are metrics only', () => {
    expect(shown(JSON.stringify({ _aws: { CloudWatchMetrics: [] }, Swept: 1 }))).toBeUndefined();
    expect(shown('  ')).toBeUndefined();
  });

  it('of Lambda itself is an error where the invocation failed', () => {
    const report = (status: string) =>
      shown(JSON.stringify({ time: '2026-11-30T12:00:00Z', type: 'platform.report', record: { status } }));
    expect(report('timeout')).toContain('ERROR  platform.report  status=timeout');
    expect(report('success')).toContain('INFO   platform.report');
  });

  it('that is not JSON is shown as it is, without characters that a terminal acts on', () => {
    expect(shown('Task timed out \u001b[2J')).toMatch(/ERROR {2}text {2}text=Task timed out \\u001b\[2J$/);
    expect(shown('{"level":"ERROR","errorType":"Error","errorMessage":"a\\u001b]0;b\\nc"}')).toContain(
      String.raw`errorMessage=a\u001b]0;b\nc`,
    );
  });

  it.each<[LogFilter, boolean]>([
    [{}, true],
    [{ account: 'shop-se' }, true],
    [{ account: 'shop' }, false],
    [{ id: 'i1', onlyErrors: true }, true],
    [{ id: 'i2' }, false],
  ])('passes the filter %j: %s', (filter, isPassed) => {
    const line = readLogLine(
      JSON.stringify({ level: 'WARN', code: 'c', account: 'shop-se', payment_request_id: 'i1' }),
      name,
      at,
    );
    expect(line && isShown(line, filter)).toBe(isPassed);
    const information = readLogLine(JSON.stringify({ level: 'INFO', code: 'c' }), name, at);
    expect(information && isShown(information, { onlyErrors: true })).toBe(false);
  });
});

describe('the logs of a deployed stack', () => {
  const lambda = mockClient(LambdaClient);
  const logs = mockClient(CloudWatchLogsClient);
  const message = (code: string) => JSON.stringify({ level: 'INFO', code });
  const functions = new Map([
    ['get-payment-request', 'Get-1'],
    [name, 'Cancel-1'],
  ]);

  it('are merged in the order of their times, each line once, with those that come late', async () => {
    lambda
      .on(GetFunctionConfigurationCommand, { FunctionName: 'Get-1' })
      .resolves({ LoggingConfig: { LogGroup: 'group-get' } })
      .on(GetFunctionConfigurationCommand, { FunctionName: 'Cancel-1' })
      .resolves({});
    const first = { eventId: '1', timestamp: at + 1, message: message('first') };
    const second = { eventId: '2', timestamp: at + 2, message: message('second') };
    const late = { eventId: '3', timestamp: at + 1, message: message('late') };
    logs
      .on(FilterLogEventsCommand, { logGroupName: 'group-get' })
      .resolvesOnce({ events: [second] })
      .resolvesOnce({ events: [late, second] })
      .resolves({ events: [] })
      .on(FilterLogEventsCommand, { logGroupName: '/aws/lambda/Cancel-1', nextToken: undefined })
      .resolvesOnce({ events: [], nextToken: 'more' })
      .resolves({ events: [] })
      .on(FilterLogEventsCommand, { logGroupName: '/aws/lambda/Cancel-1', nextToken: 'more' })
      .resolves({ events: [first] });
    const stop = new AbortController();
    const codes: string[] = [];
    let pauses = 0;
    const lines = followCloudWatch({
      logs: new CloudWatchLogsClient({}),
      lambda: new LambdaClient({}),
      functions,
      filter: { account: 'shop-se', id: 'krn:payment:eu1:request:1' },
      since: at,
      isFollowed: true,
      signal: stop.signal,
      now: () => at + (pauses === 0 ? 10_000 : 60_000),
      wait: () => {
        pauses += 1;
        if (pauses === 3) stop.abort();
        return Promise.resolve();
      },
    });
    for await (const { code } of lines) codes.push(code);
    expect(codes).toEqual(['first', 'second', 'late']);
    const calls = logs.commandCalls(FilterLogEventsCommand).map(({ args: [{ input }] }) => input);
    expect(calls[0]).toMatchObject({
      startTime: at,
      filterPattern: '{ $.account = "shop-se" && $.payment_request_id = "krn:payment:eu1:request:1" }',
    });
    // Each later reading goes back as far as CloudWatch may be late.
    expect(calls.at(-1)?.startTime).toBe(at + 30_000);
  });
});

it.each([
  ['--id', 'x'],
  ['--since', 'today'],
  ['--account', 'Shop'],
])('tail refuses %s %s', async (...option) => {
  expect(await runCommand(['tail', '--control', 'http://127.0.0.1:1', ...option])).toMatchObject({
    code: 2,
    lines: [],
  });
});
