import type { Account } from '../domain/identifiers.ts';
import type { AccountViews, Clock, IndexedKeys } from './ports.ts';

/** The number of something for one account. */
export interface AccountCount {
  readonly account: Account;
  readonly count: number;
}

/** Something over all accounts: how much there is, of which accounts most, and the first of it. */
export interface AccountsView {
  readonly count: number;
  /** Whether everything was counted. Else there is more. */
  readonly isWhole: boolean;
  readonly largest: readonly AccountCount[];
  readonly first: IndexedKeys['keys'];
}

/** What is open, late or wrong over all accounts. */
export interface Overview {
  readonly open: AccountsView;
  readonly overdue: AccountsView;
  readonly attention: AccountsView;
  readonly quarantine: { readonly count: number; readonly isWhole: boolean };
}

/**
 * Reads the overview from the indexes of all accounts. It asks a fixed number of partitions, however many accounts there are, and reads
 * a bounded number of keys of each.
 *
 * @param most of how many accounts and records the views tell.
 */
export const viewAccounts =
  ({ views, clock }: { readonly views: AccountViews; readonly clock: Clock }) =>
  async (most: number): Promise<Overview> => {
    const [due, attention, quarantine] = await Promise.all([
      views.due(),
      views.attention(),
      views.quarantined(),
    ]);
    const now = clock.instant();
    const overdue = { ...due, keys: due.keys.filter(({ at }) => at <= now) };
    return {
      open: viewOf(due, most),
      overdue: viewOf(overdue, most),
      attention: viewOf(attention, most),
      quarantine,
    };
  };

const viewOf = ({ keys, isWhole }: IndexedKeys, most: number): AccountsView => ({
  count: keys.length,
  isWhole,
  largest: largestOf(keys, most),
  first: keys.slice(0, most),
});

/** The accounts with the most of these, the largest first. */
export function largestOf(
  keys: Iterable<{ readonly account: Account }>,
  most: number,
): readonly AccountCount[] {
  const counts = new Map<Account, number>();
  for (const { account } of keys) counts.set(account, (counts.get(account) ?? 0) + 1);
  return [...counts]
    .map(([account, count]) => ({ account, count }))
    .toSorted((a, b) => b.count - a.count || (a.account < b.account ? -1 : 1))
    .slice(0, most);
}
