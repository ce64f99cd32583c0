import type { AwaitedReferences, ErasableReferences } from '../../functions/application/ports.ts';
import type { AwaitedReference } from '../../functions/domain/awaited-reference.ts';
import type { Account, Reference, ReferenceKey, SessionId } from '../../functions/domain/identifiers.ts';
import type { Instant } from '../../functions/domain/instant.ts';

/** What waits for references as its contract has it, in memory. */
export class InMemoryAwaitedReferences implements AwaitedReferences, ErasableReferences {
  readonly items = new Map<string, AwaitedReference>();

  read(key: ReferenceKey): Promise<AwaitedReference | undefined> {
    return Promise.resolve(this.items.get(referenceNameOf(key)));
  }

  save(next: AwaitedReference): Promise<boolean> {
    const stored = this.items.get(referenceNameOf(next));
    // A write that is sent again after a lost response finds its own.
    if (stored && JSON.stringify(stored) === JSON.stringify(next)) return Promise.resolve(true);
    if ((stored?.version ?? 0) !== next.version - 1) return Promise.resolve(false);
    this.items.set(referenceNameOf(next), structuredClone(next));
    return Promise.resolve(true);
  }

  async *ofSession(account: Account, sessionId: SessionId): AsyncIterable<Reference> {
    for (const item of this.items.values()) {
      if (item.account !== account || item.session?.sessionId !== sessionId) continue;
      yield await Promise.resolve(item.reference);
    }
  }

  remove(current: AwaitedReference): Promise<boolean> {
    const stored = this.items.get(referenceNameOf(current));
    if (stored && stored.version !== current.version) return Promise.resolve(false);
    this.items.delete(referenceNameOf(current));
    return Promise.resolve(true);
  }

  /** Keys of what is due, the longest overdue first. */
  dueKeys(now: Instant): readonly ReferenceKey[] {
    return [...this.items.values()]
      .filter(({ dueAt }) => dueAt !== undefined && dueAt <= now)
      .toSorted((a, b) => ((a.dueAt ?? '') < (b.dueAt ?? '') ? -1 : 1))
      .map(({ account, reference }) => ({ account, reference }));
  }

  firstDue(): Instant | undefined {
    return [...this.items.values()].flatMap(({ dueAt }) => dueAt ?? []).toSorted()[0];
  }

  async *due(now: Instant): AsyncIterable<ReferenceKey> {
    for (const key of this.dueKeys(now)) yield await Promise.resolve(key);
  }
}

/** What an item is kept under. */
export const referenceNameOf = ({ account, reference }: ReferenceKey): string => `${account} ${reference}`;
