import { type PaymentRequestKey, ownEventId } from '../domain/identifiers.ts';
import {
  resolveAttention as resolvedRecord,
  type Resolution,
  type ResolveOutcome,
} from '../domain/resolution.ts';
import { type ChangeDependencies, changeRecord } from './change-record.ts';
import { shortId } from './short-id.ts';

/** Who takes which attention off a record, and why. */
export type ResolveCommand = Pick<Resolution, 'attention' | 'by' | 'note'>;

/** What became of a resolution. `no_record`: there is no record of the request. */
export type ResolveResult = ResolveOutcome | { readonly kind: 'no_record' };

/**
 * Takes the attention off a record that the caller has seen, by one conditional write. A record that has another attention meanwhile, or
 * none, stays as it is. The event and the history say who decided, and why.
 */
export const resolveAttention =
  (dependencies: ChangeDependencies) =>
  async (key: PaymentRequestKey, command: ResolveCommand): Promise<ResolveResult> => {
    const { store, clock, ids } = dependencies;
    const eventId = ownEventId('resolve', shortId(ids));
    const { outcome } = await changeRecord<ResolveResult>(
      dependencies,
      key,
      await store.read(key),
      (stored) =>
        stored
          ? resolvedRecord(stored, { ...command, eventId, at: clock.instant() })
          : { outcome: { kind: 'no_record' } },
    );
    return outcome;
  };
