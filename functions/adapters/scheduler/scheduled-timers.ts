import {
  GetScheduleCommand,
  ListSchedulesCommand,
  ResourceNotFoundException,
  type SchedulerClient,
  type ScheduleSummary,
  ValidationException,
} from '@aws-sdk/client-scheduler';
import type { ArmedTimers } from '../../application/ports.ts';
import { parseAccount, parsePaymentRequestId, type PaymentRequestKey } from '../../domain/identifiers.ts';
import { type Instant, millisOf } from '../../domain/instant.ts';

/** Each is one more call, since the list does not say for whom a schedule is and its name is a hash. */
const pageSize = 50;

/** The schedules of the group, a page with every call, as far as this process has come. */
export class ScheduledTimers implements ArmedTimers {
  readonly #scheduler: SchedulerClient;
  readonly #groupName: string;
  #nextToken: string | undefined;

  constructor(scheduler: SchedulerClient, groupName: string) {
    this.#scheduler = scheduler;
    this.#groupName = groupName;
  }

  async some(armedBefore: Instant): Promise<readonly PaymentRequestKey[]> {
    const page = await this.#page();
    const old = page.filter(
      ({ CreationDate: at }) => at !== undefined && at.getTime() < millisOf(armedBefore),
    );
    const keys = await Promise.all(old.map(({ Name: name = '' }) => this.#keyOf(name)));
    return keys.filter((key) => key !== undefined);
  }

  async #page(): Promise<readonly ScheduleSummary[]> {
    try {
      const { Schedules: schedules = [], NextToken } = await this.#scheduler.send(
        new ListSchedulesCommand({
          GroupName: this.#groupName,
          MaxResults: pageSize,
          NextToken: this.#nextToken,
        }),
      );
      this.#nextToken = NextToken;
      return schedules;
    } catch (error) {
      // A token of long ago: the next call begins again.
      this.#nextToken = undefined;
      if (error instanceof ValidationException) return [];
      throw error;
    }
  }

  /** For whom the schedule is, as its message says; `undefined` when it has gone off meanwhile. */
  async #keyOf(name: string): Promise<PaymentRequestKey | undefined> {
    const { Target: target } = await this.#scheduler
      .send(new GetScheduleCommand({ GroupName: this.#groupName, Name: name }))
      .catch((error: unknown) => {
        if (!(error instanceof ResourceNotFoundException)) throw error;
        return { Target: undefined };
      });
    const message = jsonOf(target?.Input ?? '');
    const account = parseAccount(String(message['account']));
    const paymentRequestId = parsePaymentRequestId(String(message['payment_request_id']));
    return account && paymentRequestId ? { account, paymentRequestId } : undefined;
  }
}

function jsonOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}
