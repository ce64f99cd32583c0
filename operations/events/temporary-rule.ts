import { hash } from 'node:crypto';
import {
  DeleteRuleCommand,
  type EventBridgeClient,
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
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { EventSource } from './event-source.ts';
import { type EventFilter, wantedDetail } from './published-event.ts';

/** What a temporary rule needs. */
export interface TemporaryRuleOptions {
  readonly eventBridge: EventBridgeClient;
  readonly sqs: SQSClient;
  readonly busName: string;
  readonly filter: EventFilter;
  /** Makes the name of the rule and of its queue unlike any other. */
  readonly id: string;
  readonly now?: () => number;
  /** Called with the name of each rule that a killed command had left. */
  readonly onLeftover?: (name: string) => void;
}

/** Every rule and queue of `lapse listen` has a name that begins so. A policy can name them by it. */
const namePrefix = 'lapse-listen-';

/** The rule says until when it is used. Its command moves this time while it runs. */
const leaseMillis = 10 * 60_000;
const renewMillis = 2 * 60_000;

const description = (until: number): string => `Used by lapse listen until ${new Date(until).toISOString()}`;

/** Seconds for which a receive waits. */
const waitSeconds = 10;

/**
 * The events of a bus by a rule and a queue that exist while the command runs. A command that is killed leaves them. The next one
 * removes those whose time is over.
 */
export async function openTemporaryRule(options: TemporaryRuleOptions): Promise<EventSource> {
  const { busName, id, now = Date.now } = options;
  await removeLeftovers(options);
  // Two stacks may share a bus, and queues have no bus: the name tells them apart.
  const name = `${namePrefix}${hash('sha256', busName).slice(0, 8)}-${id}`;
  const rule = new TemporaryRule(options, name);
  try {
    const queueUrl = await rule.create(now());
    return {
      events: (signal) => receive(options, queueUrl, { signal, renew: () => rule.renew(now()) }),
      close: () => rule.remove(),
    };
  } catch (error) {
    await rule.remove().catch(() => undefined);
    throw error;
  }
}

class TemporaryRule {
  readonly #options: TemporaryRuleOptions;
  readonly #name: string;
  #queueArn = '';

  constructor(options: TemporaryRuleOptions, name: string) {
    this.#options = options;
    this.#name = name;
  }

  /** The rule comes first: it is what the next run finds when this one is killed at any later step. */
  async create(now: number): Promise<string> {
    const { sqs } = this.#options;
    const ruleArn = await this.#putRule(now);
    const { QueueUrl: queueUrl = '' } = await sqs.send(
      new CreateQueueCommand({
        QueueName: this.#name,
        Attributes: { MessageRetentionPeriod: '600', SqsManagedSseEnabled: 'true' },
      }),
    );
    const { Attributes: attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['QueueArn'] }),
    );
    this.#queueArn = attributes?.QueueArn ?? '';
    await sqs.send(
      new SetQueueAttributesCommand({
        QueueUrl: queueUrl,
        Attributes: { Policy: policyFor(this.#queueArn, ruleArn) },
      }),
    );
    await this.#putTarget();
    return queueUrl;
  }

  /** Moves the time until which the rule is used. */
  async renew(now: number): Promise<void> {
    await this.#putRule(now);
    await this.#putTarget();
  }

  remove(): Promise<void> {
    return removeRule(this.#options, this.#name);
  }

  async #putRule(now: number): Promise<string> {
    const { eventBridge, busName, filter } = this.#options;
    const wanted = Object.entries(wantedDetail(filter)).map(([field, value]) => [field, [value]]);
    const pattern = {
      source: ['lapse'],
      ...(wanted.length > 0 && { detail: Object.fromEntries(wanted) as object }),
    };
    const { RuleArn: arn = '' } = await eventBridge.send(
      new PutRuleCommand({
        Name: this.#name,
        EventBusName: busName,
        Description: description(now + leaseMillis),
        EventPattern: JSON.stringify(pattern),
        State: 'ENABLED',
      }),
    );
    return arn;
  }

  async #putTarget(): Promise<void> {
    const { eventBridge, busName } = this.#options;
    const { FailedEntryCount: failed = 0 } = await eventBridge.send(
      new PutTargetsCommand({
        Rule: this.#name,
        EventBusName: busName,
        Targets: [{ Id: 'queue', Arn: this.#queueArn }],
      }),
    );
    if (failed > 0) throw new Error('EventBridge did not take the queue as a target of the rule.');
  }
}

/** Only this rule may send to the queue. */
const policyFor = (queueArn: string, ruleArn: string): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'events.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: queueArn,
        Condition: { ArnEquals: { 'aws:SourceArn': ruleArn } },
      },
    ],
  });

/** Removes the rules whose time is over, with their queues. */
async function removeLeftovers(options: TemporaryRuleOptions): Promise<void> {
  const { eventBridge, busName, now = Date.now, onLeftover } = options;
  let next: string | undefined;
  do {
    const { Rules: rules = [], NextToken: token } = await eventBridge.send(
      new ListRulesCommand({ EventBusName: busName, NamePrefix: namePrefix, NextToken: next }),
    );
    for (const { Name: name = '', Description: said = '' } of rules) {
      const until = Date.parse(/until (\S+)$/.exec(said)?.[1] ?? '');
      if (Number.isNaN(until) || until >= now()) continue;
      await removeRule(options, name);
      onLeftover?.(name);
    }
    next = token;
  } while (next !== undefined);
}

/** Removes a rule and its queue. The rule goes last, so that a removal that is killed is found again. */
async function removeRule({ eventBridge, sqs, busName }: TemporaryRuleOptions, name: string): Promise<void> {
  const { QueueUrl: queueUrl } = await sqs
    .send(new GetQueueUrlCommand({ QueueName: name }))
    .catch(unless(QueueDoesNotExist, { QueueUrl: undefined }));
  if (queueUrl !== undefined)
    await sqs
      .send(new DeleteQueueCommand({ QueueUrl: queueUrl }))
      .catch(unless(QueueDoesNotExist, undefined));
  const rule = { Rule: name, EventBusName: busName };
  await eventBridge
    .send(new RemoveTargetsCommand({ ...rule, Ids: ['queue'] }))
    .catch(unless(ResourceNotFoundException, undefined));
  await eventBridge
    .send(new DeleteRuleCommand({ Name: name, EventBusName: busName }))
    .catch(unless(ResourceNotFoundException, undefined));
}

/** Takes one kind of error as this value: what is gone needs no removal. */
const unless =
  <Value>(kind: abstract new (...parameters: never[]) => Error, value: Value) =>
  (error: unknown): Value => {
    if (error instanceof kind) return value;
    throw error;
  };

async function* receive(
  { sqs, now = Date.now }: TemporaryRuleOptions,
  queueUrl: string,
  { signal, renew }: { readonly signal: AbortSignal; readonly renew: () => Promise<void> },
): AsyncGenerator<string, void> {
  let renewedAt = now();
  while (!signal.aborted) {
    if (now() - renewedAt >= renewMillis) {
      await renew();
      renewedAt = now();
    }
    const { Messages: messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: waitSeconds,
      }),
      { abortSignal: signal },
    );
    if (messages.length === 0) continue;
    for (const { Body: body } of messages) if (body !== undefined) yield body;
    await sqs.send(
      new DeleteMessageBatchCommand({
        QueueUrl: queueUrl,
        Entries: messages.map(({ ReceiptHandle: handle }, place) => ({
          Id: String(place),
          ReceiptHandle: handle,
        })),
      }),
    );
  }
}
