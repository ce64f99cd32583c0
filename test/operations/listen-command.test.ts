import {
  DeleteRuleCommand,
  EventBridgeClient,
  ListRulesCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-eventbridge';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  QueueDoesNotExist,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { openTemporaryRule } from '../../operations/events/temporary-rule.ts';
import { runCommand } from '../support/command-line.ts';

const eventBridge = mockClient(EventBridgeClient);
const sqs = mockClient(SQSClient);
const startedAt = Date.parse('2026-11-30T12:00:00Z');
const url = 'https://sqs.eu-north-1.amazonaws.com/1/lapse-listen-x';
const arn = 'arn:aws:sqs:eu-north-1:1:lapse-listen-x';

/** What was removed, in this order. */
let removed: string[] = [];
const removal = (name: string) => () => {
  removed.push(name);
  return Promise.resolve({});
};

beforeEach(() => {
  removed = [];
  eventBridge.reset();
  sqs.reset();
  eventBridge.on(ListRulesCommand).resolves({ Rules: [] });
  eventBridge.on(PutRuleCommand).resolves({ RuleArn: 'arn:rule' });
  eventBridge.on(PutTargetsCommand).resolves({ FailedEntryCount: 0 });
  sqs.on(CreateQueueCommand).resolves({ QueueUrl: url });
  sqs.on(GetQueueAttributesCommand).resolves({ Attributes: { QueueArn: arn } });
  sqs.on(GetQueueUrlCommand).resolves({ QueueUrl: url });
  sqs.on(SetQueueAttributesCommand).resolves({});
  sqs.on(DeleteMessageBatchCommand).resolves({});
  sqs.on(DeleteQueueCommand).callsFake(removal('queue'));
  eventBridge.on(RemoveTargetsCommand).callsFake(removal('target'));
  eventBridge.on(DeleteRuleCommand).callsFake(removal('rule'));
});

/** The input of the first of these calls. */
function inputOf<Input>([call]: readonly {
  readonly args: readonly [{ readonly input: Input }, ...unknown[]];
}[]) {
  if (!call) throw new Error('There was no call.');
  return call.args[0].input;
}

let now = startedAt;
const open = (onLeftover?: (name: string) => void) => {
  now = startedAt;
  return openTemporaryRule({
    eventBridge: new EventBridgeClient({}),
    sqs: new SQSClient({}),
    busName: 'Lapse-events',
    filter: { account: 'shop-se', session: 'cart-7' },
    id: 'abcd1234',
    now: () => now,
    ...(onLeftover && { onLeftover }),
  });
};

describe('the temporary rule of listen', () => {
  it('lets only its own rule send the wanted events to its queue', async () => {
    await open();
    const { Name: name, EventPattern, Description } = inputOf(eventBridge.commandCalls(PutRuleCommand));
    expect(name).toMatch(/^lapse-listen-[0-9a-f]{8}-abcd1234$/);
    expect(JSON.parse(EventPattern ?? '')).toEqual({
      source: ['lapse'],
      detail: { account: ['shop-se'], session_id: ['cart-7'] },
    });
    expect(Description).toBe('Used by lapse listen until 2026-11-30T12:10:00.000Z');
    const { Attributes } = inputOf(sqs.commandCalls(SetQueueAttributesCommand));
    expect(JSON.parse(Attributes?.Policy ?? '')).toMatchObject({
      Statement: [{ Resource: arn, Condition: { ArnEquals: { 'aws:SourceArn': 'arn:rule' } } }],
    });
  });

  it('shows each message, removes it from the queue, and says again that it is in use', async () => {
    const source = await open();
    const stop = new AbortController();
    sqs
      .on(ReceiveMessageCommand)
      .resolvesOnce({ Messages: [{ Body: 'one', ReceiptHandle: 'r1' }] })
      .resolvesOnce({})
      .resolves({ Messages: [{ Body: 'two', ReceiptHandle: 'r2' }] });
    const texts: string[] = [];
    for await (const text of source.events(stop.signal)) {
      texts.push(text);
      now += 130_000;
      if (text === 'two') stop.abort();
    }
    expect(texts).toEqual(['one', 'two']);
    expect(sqs.commandCalls(DeleteMessageBatchCommand)).toHaveLength(2);
    const said = eventBridge.commandCalls(PutRuleCommand).map(({ args: [{ input }] }) => input.Description);
    expect(said).toEqual([
      'Used by lapse listen until 2026-11-30T12:10:00.000Z',
      'Used by lapse listen until 2026-11-30T12:12:10.000Z',
    ]);
  });

  it('is removed at the end, the rule last', async () => {
    const source = await open();
    await source.close();
    expect(removed).toEqual(['queue', 'target', 'rule']);
  });

  it('is removed where a step of its creation fails', async () => {
    sqs.on(SetQueueAttributesCommand).rejects(new Error('AccessDenied'));
    await expect(open()).rejects.toThrow('AccessDenied');
    expect(removed).toEqual(['queue', 'target', 'rule']);
  });

  it('that a killed run left is removed by the next run, with whatever of it still exists', async () => {
    const rule = (name: string, until: string) => ({
      Name: `lapse-listen-${name}`,
      Description: `Used by lapse listen until ${until}`,
    });
    eventBridge
      .on(ListRulesCommand, { NextToken: undefined })
      .resolves({ Rules: [rule('dead', '2026-11-30T11:59:00.000Z')], NextToken: 'more' })
      .on(ListRulesCommand, { NextToken: 'more' })
      .resolves({
        Rules: [
          rule('alive', '2026-11-30T12:01:00.000Z'),
          { Name: 'lapse-listen-of-a-person', Description: 'mine' },
        ],
      });
    sqs.on(GetQueueUrlCommand).rejects(new QueueDoesNotExist({ message: 'gone', $metadata: {} }));
    eventBridge
      .on(RemoveTargetsCommand)
      .rejects(new ResourceNotFoundException({ message: 'gone', $metadata: {} }));
    const leftovers: string[] = [];
    await open((name) => leftovers.push(name));
    expect(leftovers).toEqual(['lapse-listen-dead']);
    const deleted = eventBridge.commandCalls(DeleteRuleCommand).map(({ args: [{ input }] }) => input.Name);
    expect(deleted).toEqual(['lapse-listen-dead']);
  });
});

it.each([
  ['another host', ['--forward-to', 'https://shop.example/events']],
  ['a password in the URL', ['--forward-to', 'http://a:planted@127.0.0.1/']],
  ['a file', ['--forward-to', 'file:///etc/passwd']],
  ['a key without a URL', ['--forward-key']],
  ['a malformed id', ['--id', 'x']],
  ['a session that no path can carry', ['--session', 'a/b']],
])('listen refuses %s', async (_, words) => {
  const { code, lines, errors } = await runCommand(['listen', '--control', 'http://127.0.0.1:1', ...words]);
  expect({ code, lines }).toEqual({ code: 2, lines: [] });
  expect(errors.join()).not.toContain('planted');
});

it.each([undefined, 'two words'])('listen refuses the key %j on standard input', async (secret) => {
  const words = [
    'listen',
    '--control',
    'http://127.0.0.1:1',
    '--forward-to',
    'http://127.0.0.1:1/',
    '--forward-key',
  ];
  const { code, errors } = await runCommand(words, secret === undefined ? {} : { secret });
  expect(code).toBe(2);
  expect(errors.join()).toMatch(/^The key on standard input is missing or malformed/);
});
