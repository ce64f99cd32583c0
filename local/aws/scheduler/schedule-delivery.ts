import type { DatabaseSync } from 'node:sqlite';
import { doublingDelay } from '../../shared/backoff.ts';
import { atomically } from '../../shared/database.ts';
import type { Faults } from '../faults/faults.ts';
import type { MessageAttributes } from '../sqs/queue.ts';
import type { Queues } from '../sqs/queues.ts';
import type { Schedule } from './schedule.ts';
import type { ScheduleStore } from './schedule-store.ts';

export interface ScheduleDeliveryParts {
  readonly database: DatabaseSync;
  readonly store: ScheduleStore;
  readonly queues: Queues;
  readonly faults: Faults;
  readonly arnOf: (schedule: Schedule) => string;
}

/** AWS does not document how long it waits between two attempts. */
const retryDelayMillis = doublingDelay(1_000, 60_000);

/** Delivers due schedules to their queues. */
export class ScheduleDelivery {
  readonly #parts: ScheduleDeliveryParts;

  constructor(parts: ScheduleDeliveryParts) {
    this.#parts = parts;
  }

  /**
   * Fires every schedule that is due. The message and the end of its schedule are one write, so a crash neither loses
   * nor doubles it. AWS promises only at least once; the fault `duplicate` shows what that means.
   */
  deliverDue(now: number): void {
    const { database, store } = this.#parts;
    for (let due = store.due(now); due; due = store.due(now)) {
      const schedule = due;
      atomically(database, () => this.#deliver(schedule, now));
    }
  }

  #deliver(schedule: Schedule, now: number): void {
    const { faults, queues } = this.#parts;
    const { Arn, Input } = schedule.document.Target;
    if (faults.takeForEffect('scheduler', 'lose')) {
      this.#complete(schedule);
      return;
    }
    const queue = queues.findByArn(Arn);
    if (!queue) {
      this.#fail(schedule, now);
      return;
    }
    queue.send({ body: Input });
    if (faults.takeForEffect('scheduler', 'duplicate')) queue.send({ body: Input });
    this.#complete(schedule);
  }

  /** Tries again later. When the retry policy is exhausted, only the dead-letter queue has a trace. */
  #fail(schedule: Schedule, now: number): void {
    const { store, queues } = this.#parts;
    const { RetryPolicy, DeadLetterConfig } = schedule.document.Target;
    const nextAttemptAt = now + retryDelayMillis(schedule.failedAttempts + 1);
    const exhausted =
      schedule.failedAttempts >= RetryPolicy.MaximumRetryAttempts
        ? 'MaximumRetryAttempts'
        : nextAttemptAt > schedule.firesAt + RetryPolicy.MaximumEventAgeInSeconds * 1_000
          ? 'MaximumEventAgeInSeconds'
          : undefined;
    if (exhausted === undefined) {
      store.put({ ...schedule, nextAttemptAt, failedAttempts: schedule.failedAttempts + 1 });
      return;
    }
    queues
      .findByArn(DeadLetterConfig?.Arn ?? '')
      ?.send({ body: schedule.document.Target.Input, attributes: this.#failureOf(schedule, exhausted) });
    this.#complete(schedule);
  }

  #complete(schedule: Schedule): void {
    const { store } = this.#parts;
    if (schedule.document.ActionAfterCompletion === 'DELETE') store.delete(schedule);
    else store.put({ ...schedule, nextAttemptAt: undefined });
  }

  /** https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html */
  #failureOf(schedule: Schedule, exhausted: string): MessageAttributes {
    const { Arn } = schedule.document.Target;
    const attributes = {
      ERROR_CODE: 'AWS.SimpleQueueService.NonExistentQueue',
      ERROR_MESSAGE: `The specified queue does not exist: ${Arn}.`,
      EXHAUSTED_RETRY_CONDITION: exhausted,
      RETRY_ATTEMPTS: String(schedule.failedAttempts),
      SCHEDULE_ARN: this.#parts.arnOf(schedule),
      TARGET_ARN: Arn,
    };
    return Object.fromEntries(
      Object.entries(attributes).map(([name, stringValue]) => [name, { dataType: 'String', stringValue }]),
    );
  }
}
