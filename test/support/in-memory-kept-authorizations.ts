import type { ErasableAuthorizations, KeptAuthorizations } from '../../functions/application/ports.ts';
import type { AuthorizationReport } from '../../functions/domain/confirmation.ts';
import type { Account, Reference } from '../../functions/domain/identifiers.ts';
import type { Instant } from '../../functions/domain/instant.ts';
import { type KeptAuthorization, mostKeptReports } from '../../functions/domain/kept-authorization.ts';

/** The kept reports as the contract has them, in memory. */
export class InMemoryKeptAuthorizations implements KeptAuthorizations, ErasableAuthorizations {
  readonly items = new Map<string, KeptAuthorization & { readonly ids: readonly string[] }>();

  keep(
    account: Account,
    reference: Reference,
    report: AuthorizationReport,
  ): Promise<'kept' | 'known' | 'full'> {
    const name = `${account} ${reference}`;
    const known = this.items.get(name);
    const ids = known?.ids ?? [];
    if (ids.includes(report.eventId)) return Promise.resolve('known');
    if (ids.length >= mostKeptReports) return Promise.resolve('full');
    this.items.set(name, {
      account,
      reference,
      reports: [...(known?.reports ?? []), report],
      attempts: 0,
      dueAt: report.reportedAt,
      version: (known?.version ?? 0) + 1,
      ids: [...ids, report.eventId],
    });
    return Promise.resolve('kept');
  }

  read(account: Account, reference: Reference): Promise<KeptAuthorization | undefined> {
    const found = this.items.get(`${account} ${reference}`);
    if (!found) return Promise.resolve(undefined);
    const { ids: _, ...kept } = found;
    return Promise.resolve(kept);
  }

  remove({ account, reference, version }: KeptAuthorization): Promise<void> {
    const name = `${account} ${reference}`;
    if (this.items.get(name)?.version === version) this.items.delete(name);
    return Promise.resolve();
  }

  async *due(now: Instant): AsyncIterable<{ readonly account: Account; readonly reference: Reference }> {
    for (const key of this.dueKeys(now)) yield await Promise.resolve(key);
  }

  /** Those that are due by then, the longest overdue first. */
  dueKeys(now: Instant): readonly { readonly account: Account; readonly reference: Reference }[] {
    return [...this.items.values()]
      .filter(({ dueAt }) => dueAt !== undefined && dueAt <= now)
      .toSorted((a, b) => ((a.dueAt ?? '') < (b.dueAt ?? '') ? -1 : 1))
      .map(({ account, reference }) => ({ account, reference }));
  }

  /** The time when the first one is due, if any is. */
  firstDue(): Instant | undefined {
    return [...this.items.values()].flatMap(({ dueAt }) => dueAt ?? []).toSorted()[0];
  }

  save(current: KeptAuthorization, next: KeptAuthorization): Promise<boolean> {
    const name = `${current.account} ${current.reference}`;
    const stored = this.items.get(name);
    if (stored?.version !== current.version) return Promise.resolve(false);
    this.items.set(name, { ...next, version: current.version + 1, ids: stored.ids });
    return Promise.resolve(true);
  }
}
