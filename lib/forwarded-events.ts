import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import {
  ApiDestination,
  Authorization,
  Connection,
  HttpMethod,
  type IApiDestination,
  type IEventBus,
  type Rule,
} from 'aws-cdk-lib/aws-events';
import { ApiDestination as ApiDestinationTarget } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { DeadLetterQueue } from './dead-letter-queue.ts';
import { LapseAlarm } from './lapse-alarm.ts';
import { type EventSelection, lapseRule } from './lapse-rule.ts';
import type { SharedProps } from './shared-props.ts';

/** Which events go to which address. */
export interface ForwardEventsProps extends EventSelection {
  /** An https address. It gets each event as a POST with the whole event as JSON, and must respond within five seconds. */
  readonly url: string;
  /**
   * A secret whose whole text is the key that the endpoint checks, from Secrets Manager. CloudFormation reads it when it makes the
   * connection, so a changed secret needs a connection with another id.
   */
  readonly apiKeySecret: ISecret;
  /**
   * The header that carries the key.
   * @default 'X-Api-Key'
   */
  readonly headerName?: string;
  /**
   * The most events in a second; 1 to 300. Others wait.
   * @default 50
   */
  readonly maxPerSecond?: number;
}

/**
 * Events to an https address. EventBridge repeats what the endpoint does not take for 24 hours, with growing pauses. What it gives up
 * goes to a dead-letter queue with an alarm. A second alarm says that the endpoint has not taken events for a while.
 */
export class ForwardedEvents extends Construct {
  readonly rule: Rule;
  /** Holds the events that the endpoint did not take: the body of a message is the event. */
  readonly deadLetterQueue: Queue;

  constructor(
    scope: Construct,
    id: string,
    shared: SharedProps,
    { bus, ...props }: ForwardEventsProps & { readonly bus: IEventBus },
  ) {
    super(scope, id);
    check(props);
    this.deadLetterQueue = new DeadLetterQueue(this, 'DeadLetters', {
      shared,
      shoppers:
        'A system behind an endpoint of yours misses a change: the endpoint refused an event or did not take it for 24 hours.',
      first: 'Read the error in the attributes of the message in the queue.',
      section: 'forwarded-events',
    }).queue;
    if (shared.encryptionKey) allowRules(this, shared.encryptionKey);
    const connection = new Connection(this, 'Connection', {
      authorization: Authorization.apiKey(props.headerName ?? 'X-Api-Key', props.apiKeySecret.secretValue),
      description: 'The key of an endpoint that gets the events of Lapse',
    });
    const destination = new ApiDestination(this, 'Destination', {
      connection,
      endpoint: props.url,
      httpMethod: HttpMethod.POST,
      rateLimitPerSecond: props.maxPerSecond ?? 50,
      description: 'An endpoint that gets the events of Lapse',
    });
    this.rule = lapseRule(this, 'Rule', bus, {
      ...props,
      description: 'Forwards events of Lapse to an endpoint',
      // See lapse-function.ts for the assertion.
      target: new ApiDestinationTarget(destination as IApiDestination, {
        deadLetterQueue: this.deadLetterQueue,
        maxEventAge: Duration.hours(24),
        retryAttempts: 185,
      }),
    });
    this.#watch(shared, bus);
  }

  #watch({ alarmTopic: topic }: SharedProps, { eventBusName }: IEventBus): void {
    new LapseAlarm(this, 'Late', {
      topic,
      shoppers:
        'What a system behind an endpoint of yours shows is late: the endpoint has not taken events at the first attempt for 15 minutes.',
      first: 'Look at the responses of the endpoint.',
      section: 'forwarded-events',
      metric: new Metric({
        namespace: 'AWS/Events',
        metricName: 'RetryInvocationAttempts',
        // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html: the default bus has no name here.
        dimensionsMap: {
          ...(eventBusName !== 'default' && { EventBusName: eventBusName }),
          RuleName: this.rule.ruleName,
        },
        statistic: Stats.SUM,
        period: Duration.minutes(5),
      }),
      threshold: 1,
      periods: 3,
    });
  }
}

function check({ url, maxPerSecond = 50 }: ForwardEventsProps): void {
  if (!URL.canParse(url) || new URL(url).protocol !== 'https:')
    throw new Error(`url is ${url}; allowed: an https URL.`);
  if (!Number.isInteger(maxPerSecond) || maxPerSecond < 1 || maxPerSecond > 300)
    throw new Error(`maxPerSecond is ${maxPerSecond}; allowed: a whole number from 1 to 300.`);
}

/** Allows the rules of this account to send to an encrypted dead-letter queue. A single rule would make a circle of resources. */
function allowRules(scope: Construct, key: IKey): void {
  const stack = Stack.of(scope);
  const rules = stack.formatArn({
    service: 'events',
    resource: 'rule',
    resourceName: '*',
    arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
  key.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('events.amazonaws.com')],
      actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
      // In a key policy `*` means that key.
      resources: ['*'],
      conditions: {
        StringEquals: { 'aws:SourceAccount': stack.account },
        ArnLike: { 'aws:SourceArn': rules },
      },
    }),
  );
}
