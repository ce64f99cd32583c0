import { type Change, type ChangeKind, changeKinds } from '../../domain/change.ts';
import type { HistoryEffect, HistoryEntry, HistoryKind } from '../../domain/history.ts';
import type { EventId } from '../../domain/identifiers.ts';
import { type Instant, instantFromMillis, millisOf } from '../../domain/instant.ts';
import type { Proof } from '../../domain/klarna-response.ts';
import type { Position } from '../../domain/observation.ts';
import type { Attention } from '../../domain/payment-request.ts';
import { parseState, type PaymentRequestState } from '../../domain/payment-request-state.ts';

/** A time in an item: milliseconds since 1970, or RFC 3339 with nine decimals where it is finer. */
export type StoredTime = number | string;

/** The stored form of a time. */
export const toTime = (instant: Instant): StoredTime =>
  instant.endsWith('000000Z') ? millisOf(instant) : instant;

const written = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/;
/** The last millisecond that RFC 3339 can write. */
const lastMillis = 253_402_300_799_999;

/** The time of a stored form; `undefined` for anything else. */
export function fromTime(value: unknown): Instant | undefined {
  if (typeof value === 'number') {
    return Number.isInteger(value) && value >= 0 && value <= lastMillis
      ? instantFromMillis(value)
      : undefined;
  }
  return typeof value === 'string' && written.test(value) ? (value as Instant) : undefined;
}

/** One letter for each kind of entry. */
const kindCodes = {
  webhook: 'w',
  read: 'r',
  cancel: 'd',
  not_found: 'n',
  register: 'g',
  extend: 'x',
  klarna_expiry: 'k',
  cancel_request: 'c',
  timer: 't',
  sweep: 's',
} as const satisfies Record<HistoryKind, string>;

/** One letter for each effect of an entry. */
const effectCodes = {
  applied: 'a',
  stale: 's',
  confirming: 'c',
  contradicting: 'x',
  accepted: 'y',
  refused: 'r',
  noted: 'n',
} as const satisfies Record<HistoryEffect, string>;

/** One letter for each state in an entry. The record's own state is the whole word. */
const stateCodes = {
  SUBMITTED: 'S',
  IN_PROGRESS: 'I',
  COMPLETED: 'P',
  CANCELED: 'C',
  EXPIRED: 'E',
  DECLINED: 'D',
} as const satisfies Record<PaymentRequestState, string>;

/** Short names of what an entry tells most often. Other names are stored as they are; they are longer than a letter. */
const detailCodes: Readonly<Record<string, string>> = {
  requested_by: 'b',
  cause: 'c',
  deadline_at: 'd',
  event_type: 'y',
  body_sha256: 'h',
  correlation_id: 'i',
  signing_key_id: 'k',
  outcome: 'o',
  reason: 'r',
  status: 's',
  session_timeout: 't',
  on_timeout: 'w',
  conclusion: 'n',
  response: 'p',
};

/** A table of codes, read in both directions. What it does not have is passed on: newer code may have written it. */
function codec<Name extends string>(codes: Readonly<Record<string, string>>) {
  const names = new Map(Object.entries(codes).map(([name, code]) => [code, name as Name]));
  return {
    encode: (name: Name): string => codes[name] ?? name,
    decode: (code: unknown): Name | undefined => {
      if (typeof code !== 'string') return undefined;
      return names.get(code) ?? (code.length > 1 ? (code as Name) : undefined);
    },
  };
}

const kinds = codec<HistoryKind>(kindCodes);
const effects = codec<HistoryEffect>(effectCodes);
const states = codec<PaymentRequestState>(stateCodes);
const details = codec<string>(detailCodes);

/** A history entry as the item holds it. */
export interface StoredEntry {
  /** The event id. */
  readonly i: string;
  /** The kind and the effect, by their letters. */
  readonly k: string;
  readonly e: string;
  /** When it was recorded, and when Klarna says that it happened: `true` for the same time. */
  readonly t: StoredTime;
  readonly o?: StoredTime | true | undefined;
  /** The state, by its letter. */
  readonly s?: string | undefined;
  /** The position that it met, and the attention since then. */
  readonly g?: string | undefined;
  readonly a?: string | undefined;
  /** What it tells besides, under short names. */
  readonly d?: Readonly<Record<string, string>> | undefined;
}

/** Klarna's event type of a state change: `=` stands for it, because the state tells it. */
const typeOf = (state: PaymentRequestState | undefined): string =>
  `payment.request.state-change.${(state ?? '').toLowerCase().replace('_', '-')}`;

/** Entries that were read, in the form in which they were stored, and those that were encoded before. */
const storedForms = new WeakMap<HistoryEntry, StoredEntry>();

/** The stored form of an entry. An entry that was read keeps its form, with what newer code may have written into it. */
export function toStoredEntry(entry: HistoryEntry): StoredEntry {
  const known = storedForms.get(entry);
  if (known) return known;
  const stored = encodeEntry(entry);
  storedForms.set(entry, stored);
  return stored;
}

function encodeEntry(entry: HistoryEntry): StoredEntry {
  const { occurredAt, recordedAt, state, detail } = entry;
  return {
    i: entry.eventId,
    k: kinds.encode(entry.kind),
    e: effects.encode(entry.effect),
    t: toTime(recordedAt),
    // Most observations of our own happened when they were recorded.
    o: occurredAt && (occurredAt === recordedAt ? true : toTime(occurredAt)),
    s: state && states.encode(state),
    g: entry.against,
    a: entry.attention,
    d: toStoredDetail(detail, state),
  };
}

function toStoredDetail(detail: Proof, state: PaymentRequestState | undefined): StoredEntry['d'] {
  let stored: Record<string, string> | undefined;
  for (const name in detail) {
    const value = detail[name] ?? '';
    stored ??= {};
    stored[detailCodes[name] ?? name] =
      name === 'body_sha256'
        ? toShortHash(value)
        : name === 'event_type' && value === typeOf(state)
          ? '='
          : value;
  }
  return stored;
}

/** 64 hexadecimal characters as 43 of base64url. */
const toShortHash = (hex: string): string =>
  /^[0-9a-f]{64}$/.test(hex) ? Buffer.from(hex, 'hex').toString('base64url') : hex;

const fromShortHash = (stored: string): string =>
  /^[\w-]{43}$/.test(stored) ? Buffer.from(stored, 'base64url').toString('hex') : stored;

/** The entry of a stored form; `undefined` where any part of it cannot be read. */
export function fromStoredEntry(value: unknown): HistoryEntry | undefined {
  const { i, k, e, t, o, s, g, a, d } = mapOf(value) ?? {};
  const kind = kinds.decode(k);
  const effect = effects.decode(e);
  const recordedAt = fromTime(t);
  const occurredAt = o === true ? recordedAt : fromTime(o);
  const state = parseState(states.decode(s) ?? '');
  const detail = fromStoredDetail(d, state);
  if (typeof i !== 'string' || !kind || !effect || !recordedAt || !detail) return undefined;
  if ((o !== undefined && !occurredAt) || (s !== undefined && !state)) return undefined;
  if (!isTextOrNone(g) || !isTextOrNone(a)) return undefined;
  const entry: HistoryEntry = {
    eventId: i as EventId,
    kind,
    recordedAt,
    effect,
    ...(state && { state }),
    ...(occurredAt && { occurredAt }),
    ...(g !== undefined && { against: g as Position }),
    ...(a !== undefined && { attention: a as Attention }),
    detail,
  };
  storedForms.set(entry, value as StoredEntry);
  return entry;
}

function fromStoredDetail(value: unknown, state: PaymentRequestState | undefined): Proof | undefined {
  if (value === undefined) return {};
  const stored = mapOf(value);
  if (!stored) return undefined;
  const detail: Record<string, string> = {};
  for (const code in stored) {
    const text = stored[code];
    if (typeof text !== 'string') return undefined;
    const name = details.decode(code) ?? code;
    detail[name] =
      name === 'body_sha256'
        ? fromShortHash(text)
        : name === 'event_type' && text === '='
          ? typeOf(state)
          : text;
  }
  return detail;
}

const isTextOrNone = (value: unknown): value is string | undefined =>
  value === undefined || typeof value === 'string';

/** An event of the last write, as the item holds it. */
export interface StoredChange {
  /** The kind of event. */
  readonly y: ChangeKind;
  /** The event id of the history entry that made it. */
  readonly i: string;
  /** The state and the one before it, by their letters. */
  readonly s?: string | undefined;
  readonly p?: string | undefined;
  readonly a?: string | undefined;
  readonly o?: StoredTime | undefined;
  readonly t: StoredTime;
}

/** The stored form of an event. */
export const toStoredChange = (change: Change): StoredChange => ({
  y: change.kind,
  i: change.eventId,
  s: change.state && states.encode(change.state),
  p: change.previousState && states.encode(change.previousState),
  a: change.attention,
  o: change.occurredAt && toTime(change.occurredAt),
  t: toTime(change.recordedAt),
});

/** The event of a stored form; `undefined` where any part of it cannot be read. */
export function fromStoredChange(value: unknown): Change | undefined {
  const { y, i, s, p, a, o, t } = mapOf(value) ?? {};
  const kind = changeKinds.find((each) => each === y);
  const [state, previousState] = [s, p].map((code) => parseState(states.decode(code) ?? ''));
  const occurredAt = fromTime(o);
  const recordedAt = fromTime(t);
  if (!kind || typeof i !== 'string' || !recordedAt || !isTextOrNone(a)) return undefined;
  if (
    (o !== undefined && !occurredAt) ||
    (s !== undefined && !state) ||
    (p !== undefined && !previousState)
  ) {
    return undefined;
  }
  return {
    kind,
    eventId: i as EventId,
    state,
    previousState,
    ...(a !== undefined && { attention: a as Attention }),
    occurredAt,
    recordedAt,
  };
}

/** The plain map that a value is; `undefined` for any other value. */
export const mapOf = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
