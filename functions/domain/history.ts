import type { DroppedEntries, HistoryEntry } from './history-entry.ts';
import type { EventId } from './identifiers.ts';
import type { Instant } from './instant.ts';
import type { PaymentRequest } from './payment-request.ts';
import { ranks } from './payment-request-state.ts';

/** The most bytes of a history. All other attributes of a record have 6 KB at most, so an item never exceeds 16 KB. */
const mostBytes = 9_500;

/** The most bytes after a write that has read the record. The rest is room for webhooks, which are added without a read. */
const mostBytesRead = 6_000;

/** The bytes to which a history is cut that exceeds {@link mostBytesRead}, so that not every write has to cut it. */
const cutTo = 4_500;

/** The newest entries, which are never dropped. More than one write adds. */
const newestKept = 12;

/** The most bytes of a text of a caller in an entry. The record itself has the whole text of the last command. */
const longestText = 120;

/** Entries do not change, and each write weighs the whole history. */
const weighed = new WeakMap<HistoryEntry, number>();

/** An upper limit of the bytes of an entry in the table. */
export function bytesOf(entry: HistoryEntry): number {
  const known = weighed.get(entry);
  if (known !== undefined) return known;
  const bytes = weigh(entry);
  weighed.set(entry, bytes);
  return bytes;
}

function weigh({ eventId, against, attention, detail }: HistoryEntry): number {
  let bytes = 90 + eventId.length + (against?.length ?? 0) + (attention?.length ?? 0);
  for (const name in detail) bytes += name.length + utf8BytesOf(detail[name] ?? '') + 4;
  return bytes;
}

/** How many bytes of entries the history has room for. */
export const roomIn = (history: readonly HistoryEntry[]): number =>
  mostBytes - history.reduce((sum, entry) => sum + bytesOf(entry), 0);

/** The bytes of a text as UTF-8. */
export function utf8BytesOf(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    // Stryker disable next-line EqualityOperator: one more or less at a boundary changes only an upper limit
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** A text of a caller as an entry holds it: whole characters, at most {@link longestText} bytes, marked where it was longer. */
export function shortened(text: string): string {
  if (utf8BytesOf(text) <= longestText) return text;
  let short = '';
  for (const character of text) {
    if (utf8BytesOf(short + character) > longestText - 3) break;
    short += character;
  }
  return `${short}…`;
}

/** Whether the history still holds this event. */
export const hasRecorded = ({ history }: Pick<PaymentRequest, 'history'>, eventId: EventId): boolean =>
  history.some((entry) => entry.eventId === eventId);

/** The record with one more history entry. The same record if the history holds this event already. */
export const withEntry = (record: PaymentRequest, entry: HistoryEntry): PaymentRequest =>
  hasRecorded(record, entry.eventId) ? record : { ...record, history: [...record.history, entry] };

/** Whether the entry is a read that did not show the request. */
export const isEmptyRead = ({ kind, effect }: Pick<HistoryEntry, 'kind' | 'effect'>): boolean =>
  kind === 'read' && effect === 'noted';

/**
 * The record with a history within its bound. Entries that changed nothing are dropped first, the oldest first. Then go changes
 * between open states, then commands. The evidence of the state, the first registration and the newest entries stay in any case.
 */
export function bounded(record: PaymentRequest): PaymentRequest {
  const { history, evidence } = record;
  let bytes = mostBytes - roomIn(history);
  if (bytes <= mostBytesRead) return record;
  const firstRegistration = history.find(({ kind }) => kind === 'register');
  const isKept = (entry: HistoryEntry): boolean =>
    entry === firstRegistration || entry.eventId === evidence?.eventId;
  const candidates = history
    .slice(0, -newestKept)
    .filter((entry) => !isKept(entry))
    .map((entry) => ({ entry, interest: interestOf(entry) }))
    // Sorting is stable: of the same interest, the oldest stay first.
    .sort((a, b) => a.interest - b.interest);
  const dropped = new Set<HistoryEntry>();
  for (const { entry } of candidates) {
    if (bytes <= cutTo) break;
    bytes -= bytesOf(entry);
    dropped.add(entry);
  }
  let counted = record.dropped;
  for (const { recordedAt } of dropped) counted = withDropped(counted, recordedAt);
  return { ...record, dropped: counted, history: history.filter((entry) => !dropped.has(entry)) };
}

/** The count with one more entry. */
export const withDropped = (dropped: DroppedEntries | undefined, at: Instant): DroppedEntries => ({
  count: (dropped?.count ?? 0) + 1,
  // Stryker disable next-line EqualityOperator: two equal texts are the same
  first: dropped && dropped.first < at ? dropped.first : at,
  // Stryker disable next-line EqualityOperator: two equal texts are the same
  last: dropped && dropped.last > at ? dropped.last : at,
});

/** How long an entry is kept in a full history: 0 the shortest. Newer code may have written a kind that this code does not know. */
function interestOf({ kind, effect, state, attention }: HistoryEntry): number {
  if (attention !== undefined || effect === 'contradicting') return 3;
  if (kind === 'cancel' || kind === 'confirmation' || kind === 'resolve') return 3;
  if (kind === 'register' || kind === 'extend' || kind === 'klarna_expiry' || kind === 'cancel_request') {
    return effect === 'noted' ? 1 : 2;
  }
  if (effect === 'applied') return state !== undefined && ranks[state] > 0 ? 3 : 1;
  return kind === 'timer' || kind === 'sweep' ? 1 : 0;
}
