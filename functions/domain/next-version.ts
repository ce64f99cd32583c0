import { changesBetween } from './changes-between.ts';
import { dueAtOf } from './due.ts';
import { bounded } from './history.ts';
import type { Instant } from './instant.ts';
import type { PaymentRequest } from './payment-request.ts';
import { withoutResolved } from './resolution.ts';

/** How many writes a record remembers: more than can follow a write before its response is known to be lost. */
const rememberedWrites = 8;

/** Whose write it is, and when. */
export interface Write {
  /** Not used by any other write of the record. */
  readonly id: string;
  readonly now: Instant;
}

/**
 * The next version of a record, as it is stored. Everything that follows from a change is derived here and nowhere else. That is: the
 * events and their sequence, when the record is due, and what the history can no longer hold.
 *
 * @param before the stored record that `decided` was made from; `undefined` where there is none
 */
export function asNextVersion(
  before: PaymentRequest | undefined,
  decided: PaymentRequest,
  { id, now }: Write,
): PaymentRequest {
  const next = withoutResolved(before, decided);
  const changes = changesBetween(before, next);
  const isSameAttention = next.attention === before?.attention;
  const changed: PaymentRequest = {
    ...next,
    // Stryker disable next-line OptionalChaining: the same attention needs a record before
    attentionSince: next.attention && (isSameAttention ? before?.attentionSince : now),
    version: next.version + 1,
    sequence: next.sequence + changes.length,
    changes,
    writes: [...next.writes, id].slice(-rememberedWrites),
    updatedAt: now,
  };
  return bounded({ ...changed, dueAt: dueAtOf(changed) });
}
