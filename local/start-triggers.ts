import { join } from 'node:path';
import type { AwsServer } from './aws/server.ts';
import type { RunningFunctions } from './start-functions.ts';
import type { StartParts } from './start-parts.ts';
import type {
  QueueSourceDescription,
  StackDescription,
  StreamSourceDescription,
} from './template/stack-description.ts';
import { startQueueSource } from './triggers/queue-source.ts';
import { type RecurringSchedule, startRecurringSchedule } from './triggers/recurring-schedule.ts';
import { startStreamSource } from './triggers/stream-source.ts';

/** The sweep runs soon after a start, because its last run may be long ago. Its own period applies from then on. */
const firstSweepAfterSeconds = 5;

export interface TriggersParts extends StartParts {
  readonly stack: StackDescription;
  readonly functions: RunningFunctions;
  readonly aws: AwsServer;
  readonly dynamodbUrl: string;
}

/** Starts what invokes the functions besides HTTP: streams, queues and recurring schedules. Returns the schedules. */
export async function startTriggers(parts: TriggersParts): Promise<readonly RecurringSchedule[]> {
  const { stack, functions, clock, running, logAs } = parts;
  for (const source of stack.streamSources) await startStream(parts, source);
  for (const source of stack.queueSources) startQueue(parts, source);
  const recurring = stack.recurringSchedules.map((schedule) => {
    const { arn: functionArn, invoke } = functions.get(schedule.functionId);
    return startRecurringSchedule({
      schedule,
      functionArn,
      invoke,
      sendToQueue: (name, body) => parts.aws.queues.get(name).send({ body }),
      onLog: logAs('schedule'),
      firstAfterSeconds: firstSweepAfterSeconds,
      clock,
    });
  });
  running.defer(async () => {
    await Promise.all(recurring.map((schedule) => schedule.close()));
  });
  return recurring;
}

async function startStream(
  { stack, functions, aws, dynamodbUrl, data, clock, running, logAs }: TriggersParts,
  source: StreamSourceDescription,
): Promise<void> {
  const { arn: functionArn, invoke } = functions.get(source.functionId);
  const loop = await startStreamSource({
    source,
    dynamoDbUrl: dynamodbUrl,
    region: stack.region,
    accountId: stack.accountId,
    functionArn,
    invoke,
    sendToQueue: (name, body) => {
      aws.queues.get(name).send({ body });
      return Promise.resolve();
    },
    checkpointDirectory: join(data, 'stream'),
    clock,
    onLog: logAs('stream'),
  });
  running.defer(() => loop.close());
}

function startQueue(
  { stack, functions, aws, running, logAs }: TriggersParts,
  source: QueueSourceDescription,
): void {
  const queue = stack.queues.find(({ name }) => name === source.queueName);
  if (!queue) throw new Error(`The template does not have a queue ${source.queueName}.`);
  const loop = startQueueSource({
    source,
    queue: aws.queues.get(queue.name),
    queueArn: queue.arn,
    region: stack.region,
    visibilityTimeoutSeconds: queue.visibilityTimeoutSeconds,
    invoke: functions.get(source.functionId).invoke,
    onLog: logAs('queue'),
  });
  running.defer(() => loop.close());
}
