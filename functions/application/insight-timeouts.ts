import type { Account } from '../domain/identifiers.ts';
import type { Instant } from '../domain/instant.ts';
import {
  type TimeoutInsight,
  timeoutInsight,
  type TimeoutSample,
  timeoutSampleOf,
} from '../domain/timeout-insight.ts';
import type { ChangedPaymentRequests } from './ports.ts';

/** An insight, and how many records could not be read. They belong to any account. */
export interface AccountInsight extends TimeoutInsight {
  readonly unreadable: number;
}

/**
 * Learns from the records of an account how long its customers took to approve. It reads the whole table, so it is for an operator.
 *
 * @param since sessions that were registered earlier are left out.
 * @param timeouts the timeouts to compare, in milliseconds.
 */
export const insightTimeouts =
  ({ records }: { readonly records: ChangedPaymentRequests }) =>
  async (account: Account, since: Instant, timeouts: readonly number[]): Promise<AccountInsight> => {
    const samples: TimeoutSample[] = [];
    let unreadable = 0;
    for await (const record of records.changedSince(since)) {
      if (!record) unreadable += 1;
      else if (record.account === account && record.session && record.session.registeredAt >= since) {
        const sample = timeoutSampleOf(record);
        if (sample) samples.push(sample);
      }
    }
    return { ...timeoutInsight(samples, timeouts), unreadable };
  };
