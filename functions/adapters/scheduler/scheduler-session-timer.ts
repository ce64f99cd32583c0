import { createHash } from 'node:crypto';
import {
  ConflictException,
  CreateScheduleCommand,
  DeleteScheduleCommand,
  GetScheduleCommand,
  ResourceNotFoundException,
  type SchedulerClient,
  UpdateScheduleCommand,
} from '@aws-sdk/client-scheduler';
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Clock, Ids, SessionTimer } from '../../application/ports.ts';
import type { PaymentRequestKey } from '../../domain/identifiers.ts';
import { formatInstant, type Instant, millisOf, plusMillis } from '../../domain/instant.ts';
import { traceIdOf } from '../../domain/trace.ts';

/** The schedule group, the timer queue, and what arming timers in them needs. */
export interface SessionTimerOptions {
  readonly scheduler: SchedulerClient;
  readonly sqs: SQSClient;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly groupName: string;
  readonly roleArn: string;
  readonly queueArn: string;
  readonly queueUrl: string;
  readonly deadLetterQueueArn: string;
  /** A timer with a closer deadline goes straight to the queue, with a delay. */
  readonly shortTimerSeconds: number;
}

/** The message of a timer that fires. It is a hint: the record decides what happens. */
export interface TimerMessage {
  readonly account: string;
  readonly payment_request_id: string;
  readonly deadline_at: string;
  readonly trace_id: string;
}

/** SQS delays a message by at most 15 minutes. */
const longestDelaySeconds = 900;

/** One EventBridge Scheduler schedule per session. It sends a message to the timer queue and then deletes itself. */
export class SchedulerSessionTimer implements SessionTimer {
  readonly #options: SessionTimerOptions;

  constructor(options: SessionTimerOptions) {
    this.#options = options;
  }

  async arm(key: PaymentRequestKey, deadlineAt: Instant): Promise<boolean> {
    const { clock, shortTimerSeconds } = this.#options;
    const seconds = Math.ceil((millisOf(deadlineAt) - clock.now()) / 1000);
    if (seconds <= Math.min(shortTimerSeconds, longestDelaySeconds)) {
      // The message is sent first. A schedule of an earlier arming may be removed only when its message cannot be
      // missed.
      await this.#delay(key, deadlineAt, Math.max(0, seconds));
      return this.#remove(key);
    }
    return this.#schedule(key, deadlineAt);
  }

  async remove(key: PaymentRequestKey): Promise<void> {
    await this.#remove(key);
  }

  #remove(key: PaymentRequestKey): Promise<boolean> {
    return removeSchedule(this.#options.scheduler, this.#options.groupName, key);
  }

  async #delay(key: PaymentRequestKey, deadlineAt: Instant, seconds: number): Promise<void> {
    await this.#options.sqs.send(
      new SendMessageCommand({
        QueueUrl: this.#options.queueUrl,
        MessageBody: messageOf(key, deadlineAt),
        DelaySeconds: seconds,
      }),
    );
  }

  async #schedule(key: PaymentRequestKey, deadlineAt: Instant): Promise<boolean> {
    const { scheduler, ids, groupName, roleArn, queueArn, deadLetterQueueArn } = this.#options;
    const name = { Name: scheduleNameOf(key), GroupName: groupName };
    const schedule = {
      ...name,
      ScheduleExpression: scheduleExpressionOf(deadlineAt),
      ScheduleExpressionTimezone: 'UTC',
      FlexibleTimeWindow: { Mode: 'OFF' },
      ActionAfterCompletion: 'DELETE',
      Target: {
        Arn: queueArn,
        RoleArn: roleArn,
        Input: messageOf(key, deadlineAt),
        RetryPolicy: { MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 10 },
        DeadLetterConfig: { Arn: deadLetterQueueArn },
      },
    } as const;
    // Without a token, the SDK makes a new one for every attempt, and a retry would conflict with the first attempt. A token of the
    // deadline would return when the deadline moves there and back: Scheduler would take the call for a retry and do nothing.
    const once = () => ({ ...schedule, ClientToken: ids.next() });
    try {
      await scheduler.send(new CreateScheduleCommand(once()));
      return false;
    } catch (error) {
      if (!(error instanceof ConflictException)) throw error;
      const existing = await scheduler.send(new GetScheduleCommand(name)).catch(undefinedIfMissing);
      if (existing?.Target?.Input === schedule.Target.Input) return false;
      await scheduler.send(existing ? new UpdateScheduleCommand(once()) : new CreateScheduleCommand(once()));
      return existing !== undefined;
    }
  }
}

/** Removes a session's schedule. `false` if there is none. Functions that never arm a timer need only this. */
export async function removeSchedule(
  scheduler: SchedulerClient,
  groupName: string,
  key: PaymentRequestKey,
): Promise<boolean> {
  const removed = await scheduler
    .send(new DeleteScheduleCommand({ Name: scheduleNameOf(key), GroupName: groupName }))
    .catch(undefinedIfMissing);
  return removed !== undefined;
}

// Not base64url: AWS documents the characters of a schedule name, but not whether case matters
// (https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html). Base32 has one case.
const base32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** A legal schedule name for any key. Klarna's ids have colons, which Scheduler does not accept. */
export function scheduleNameOf({ account, paymentRequestId }: PaymentRequestKey): string {
  const digest = createHash('sha256').update(`${account}\n${paymentRequestId}`).digest();
  let bits = '';
  for (const byte of digest) bits += byte.toString(2).padStart(8, '0');
  const letters = bits.match(/.{1,5}/g) ?? [];
  return `lapse-${letters.map((five) => base32[Number.parseInt(five.padEnd(5, '0'), 2)]).join('')}`;
}

/**
 * `at(…)` has no fraction and no zone. The time is rounded up, so that the deadline has passed when the timer fires.
 */
function scheduleExpressionOf(deadlineAt: Instant): string {
  const isWhole = deadlineAt.endsWith('.000000000Z');
  return `at(${(isWhole ? deadlineAt : plusMillis(deadlineAt, 1000)).slice(0, 19)})`;
}

const messageOf = (key: PaymentRequestKey, deadlineAt: Instant): string =>
  JSON.stringify({
    account: key.account,
    payment_request_id: key.paymentRequestId,
    deadline_at: formatInstant(deadlineAt),
    trace_id: traceIdOf(key.paymentRequestId),
  } satisfies TimerMessage);

function undefinedIfMissing(error: unknown): undefined {
  if (!(error instanceof ResourceNotFoundException)) throw error;
}
