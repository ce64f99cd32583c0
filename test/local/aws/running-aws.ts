import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SchedulerClient } from '@aws-sdk/client-scheduler';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { onTestFinished } from 'vitest';
import { type AwsServer, type AwsServerOptions, startAwsServer } from '../../../local/aws/server.ts';
import { stackOptions } from './stack-options.ts';

export interface RunningAws extends AwsServer {
  readonly sqs: SQSClient;
  readonly scheduler: SchedulerClient;
  readonly eventbridge: EventBridgeClient;
  readonly secrets: SecretsManagerClient;
  readonly dynamodb: DynamoDBClient;
  /** The failures that the server has logged. */
  readonly log: readonly string[];
}

/** The clients of an application with another endpoint. A failed call is not retried. */
export function clientsOf(url: string) {
  const settings = {
    endpoint: url,
    region: stackOptions.region,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  };
  const clients = {
    sqs: new SQSClient(settings),
    scheduler: new SchedulerClient(settings),
    eventbridge: new EventBridgeClient(settings),
    secrets: new SecretsManagerClient(settings),
    dynamodb: new DynamoDBClient(settings),
  };
  onTestFinished(() => {
    for (const client of Object.values(clients)) client.destroy();
  });
  return clients;
}

/** A server for one test, closed at its end unless the test closes it earlier. */
export async function startAws(options: Partial<AwsServerOptions> = {}): Promise<RunningAws> {
  const log: string[] = [];
  const server = await startAwsServer({ ...stackOptions, onLog: (line) => log.push(line), ...options });
  let closed: Promise<void> | undefined;
  const close = () => (closed ??= server.close());
  onTestFinished(close);
  return { ...server, ...clientsOf(server.url), log, close };
}
