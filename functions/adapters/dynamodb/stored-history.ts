import { type Change, type ChangeKind, changeKinds, changeOf } from '../../domain/change.ts';
import type { HistoryEffect, HistoryEntry, HistoryKind } from '../../domain/history-entry.ts';
import type { EventId } from '../../domain/identifiers.ts';
import { type Instant, instantFromMillis, millisOf } from '../../domain/instant.ts';
import type { Proof } from '../../domain/klarna-response.ts';
import type { Position } from '../../domain/observation.ts';
import type { Attention } from '../../domain/attention.ts';
import type { PaymentRequest } from '../../domain/payment-request.ts';
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

/** One letter for each kind of entry. The source of a state has the same letter. */
const kindCodes = {
  webhook: 'w',
  read: 'r',
  cancel: 'd',
  not_found: 'n',
  register: 'g',
  extend: 'x',
  klarna_expiry: 'k',
  cancel_request: 'c',
  confirmation: 'f',
  timer: 't',
  sweep: 's',
  session: 'm',
  resolve: 'v',
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

/** The codec of kinds of entries and of sources. */
export const kinds = codec<HistoryKind>(kindCodes);
const effects = codec<HistoryEffect>(effectCodes);
const states = codec<PaymentRequestState>(stateCodes);
const details = codec<string>(detailCodes);

/** A history entry as the item holds it. */
export interface StoredEntry {
  /** The event id. */
  readonly i: string;
  /** The letters of the kind, the effect and the state. Words of newer code stand alone, with `e` and `s`. */
  readonly k: string;
  readonly e?: string | undefined;
  readonly s?: string | undefined;
  /** When it was recorded, and when Klarna says that it happened: `true` where that is the same time. */
  readonly t: StoredTime;
  readonly o?: StoredTime | true | undefined;
  /** The position that it met, and the attention since then. */
  readonly g?: string | undefined;
  readonly a?: string | undefined;
  /** What it tells besides, under short names. */
  readonly d?: Readonly<Record<string, string>> | undefined;
}

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

/** Klarna's event type of a state change. */
const typeOf = (state: PaymentRequestState | undefined): string =>
  `payment.request.state-change.${(state ?? '').toLowerCase().replace('_', '-')}`;

function encodeEntry(entry: HistoryEntry): StoredEntry {
  const { occurredAt, recordedAt } = entry;
  return {
    i: entry.eventId,
    ...toStoredKind(entry),
    t: toTime(recordedAt),
    // Most observations of our own happened when they were recorded.
    o: occurredAt && (occurredAt === recordedAt ? true : toTime(occurredAt)),
    g: entry.against,
    a: entry.attention,
    d: toStoredDetail(entry),
  };
}

function toStoredKind({ kind, effect, state }: HistoryEntry): Pick<StoredEntry, 'k' | 'e' | 's'> {
  const [k, e, s] = [kinds.encode(kind), effects.encode(effect), state && states.encode(state)];
  return k.length === 1 && e.length === 1 && (s ?? '-').length === 1 ? { k: k + e + (s ?? '') } : { k, e, s };
}

function toStoredDetail({ kind, state, detail }: HistoryEntry): StoredEntry['d'] {
  const stored: Record<string, string> = {};
  for (const name in detail) stored[detailCodes[name] ?? name] = toStoredText(name, detail[name] ?? '');
  if (kind === 'webhook') {
    // The state tells the type of nearly every webhook.
    const { y } = stored;
    if (y === typeOf(state)) Reflect.deleteProperty(stored, 'y');
    else stored['y'] = y ?? '';
  }
  return Object.keys(stored).length > 0 ? stored : undefined;
}

/** What the ids of Klarna's signing keys begin with: `~` stands for it. */
const signingKeyPrefix = 'krn:partner:global:notification:signing-key:';

function toStoredText(name: string, text: string): string {
  if (name === 'body_sha256') return toShortHash(text);
  if (name !== 'signing_key_id') return text;
  if (text.startsWith(signingKeyPrefix)) return `~${text.slice(signingKeyPrefix.length)}`;
  return text.startsWith('~') ? `~${text}` : text;
}

function fromStoredText(name: string, stored: string): string {
  if (name === 'body_sha256') return fromShortHash(stored);
  if (name !== 'signing_key_id' || !stored.startsWith('~')) return stored;
  return stored.startsWith('~~') ? stored.slice(1) : signingKeyPrefix + stored.slice(1);
}

/** 64 hexadecimal characters as 43 of base64url. */
const toShortHash = (hex: string): string =>
  /^[0-9a-f]{64}$/.test(hex) ? Buffer.from(hex, 'hex').toString('base64url') : hex;

const fromShortHash = (stored: string): string =>
  /^[\w-]{43}$/.test(stored) ? Buffer.from(stored, 'base64url').toString('hex') : stored;

/** The entry of a stored form; `undefined` where any part of it cannot be read. */
export function fromStoredEntry(value: unknown): HistoryEntry | undefined {
  const { i, t, o, g, a, d, ...letters } = mapOf(value) ?? {};
  const named = fromStoredKind(letters);
  const recordedAt = fromTime(t);
  const occurredAt = o === true ? recordedAt : fromTime(o);
  const detail = named && fromStoredDetail(d, named);
  if (typeof i !== 'string' || !named || !recordedAt || !detail) return undefined;
  if ((o !== undefined && !occurredAt) || !isTextOrNone(g) || !isTextOrNone(a)) return undefined;
  const { kind, effect, state } = named;
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

type Named = Pick<HistoryEntry, 'kind' | 'effect' | 'state'>;

function fromStoredKind({ k, e, s }: Readonly<Record<string, unknown>>): Named | undefined {
  if (typeof k !== 'string') return undefined;
  const [kindCode, effectCode, stateCode] = e === undefined ? [k[0], k[1], k[2]] : [k, e, s];
  const kind = kinds.decode(kindCode);
  const effect = effects.decode(effectCode);
  const state = parseState(states.decode(stateCode) ?? '');
  if (!kind || !effect || (stateCode !== undefined && !state) || (e === undefined && k.length > 3))
    return undefined;
  return { kind, effect, state };
}

function fromStoredDetail(value: unknown, { kind, state }: Named): Proof | undefined {
  const stored = value === undefined ? {} : mapOf(value);
  if (!stored) return undefined;
  const detail: Record<string, string> = {};
  for (const code in stored) {
    const text = stored[code];
    if (typeof text !== 'string') return undefined;
    const name = details.decode(code) ?? code;
    detail[name] = fromStoredText(name, text);
  }
  if (kind !== 'webhook') return detail;
  const { event_type: type = typeOf(state), ...rest } = detail;
  return type === '' ? rest : { event_type: type, ...rest };
}

const isTextOrNone = (value: unknown): value is string | undefined =>
  value === undefined || typeof value === 'string';

/** One letter for each kind of event. */
export const changeCodes = {
  registered: 'g',
  state_changed: 's',
  cancel_refused: 'r',
  needs_attention: 'n',
  attention_resolved: 'v',
  paid_twice: 'p',
  would_cancel: 'w',
  authorized: 'a',
  not_authorized: 'u',
} as const satisfies Record<ChangeKind, string>;

/**
 * An event of the last write, as the item holds it. What it has in common with the record is left out. Its times are those of its
 * history entry.
 */
export interface StoredChange {
  /** The kind of event, by its letter. */
  readonly y: string;
  /** The event id, where it is not that of the fact that gave the record its state. */
  readonly i?: string | undefined;
  /** The state and the one before it, by their letters, where they are not those of the record; `-` for none. */
  readonly s?: string | undefined;
  readonly p?: string | undefined;
  /** Klarna's reason for the state, where it is not that of the record; `-` for none. */
  readonly r?: string | undefined;
  readonly a?: string | undefined;
}

/** What an event may have in common with its record. */
export type Common = Pick<PaymentRequest, 'state' | 'previousState' | 'stateReason' | 'position'>;

/** The id of the fact that gave the record its state: a position is `<rank>|<time of 30 characters>|<event id>`. */
const factOf = ({ position }: Common): string | undefined => position?.slice(33);

/** The stored form of an event of this record. */
export const toStoredChange = (
  { kind, eventId, state, previousState, stateReason, attention }: Change,
  record: Common,
): StoredChange => ({
  y: changeCodes[kind],
  i: eventId === factOf(record) ? undefined : eventId,
  s: state === record.state ? undefined : toStateCode(state),
  p: previousState === record.previousState ? undefined : toStateCode(previousState),
  r: stateReason === record.stateReason ? undefined : (stateReason ?? noState),
  a: attention,
});

/** Stands for no state. */
export const noState = '-';

const toStateCode = (state: PaymentRequestState | undefined): string =>
  state === undefined ? noState : states.encode(state);

/** The event of a stored form; `undefined` where any part of it cannot be read. An entry that cannot be read costs only its times. */
export function fromStoredChange(
  value: unknown,
  record: Omit<PaymentRequest, 'changes'>,
): Change | undefined {
  const fact = factOf(record);
  const { y, i = fact, s, p, r, a } = mapOf(value) ?? {};
  const kind = changeKinds.find((each) => changeCodes[each] === y);
  const [own, before] = [s, p].map((code) =>
    code === noState ? noState : parseState(states.decode(code) ?? ''),
  );
  if (!kind || typeof i !== 'string' || !isTextOrNone(a) || !isTextOrNone(r)) return undefined;
  if ((s !== undefined && !own) || (p !== undefined && !before)) return undefined;
  const eventId = i as EventId;
  const known = record.history.find((each) => each.eventId === eventId);
  const entry = known ?? {
    occurredAt: i === fact ? record.occurredAt : undefined,
    recordedAt: record.updatedAt,
  };
  const change = changeOf(
    kind,
    { ...entry, eventId },
    {
      state: own === noState ? undefined : (own ?? record.state),
      previousState: before === noState ? undefined : (before ?? record.previousState),
      stateReason: r === noState ? undefined : (r ?? record.stateReason),
    },
  );
  const { requested_by: by, note } = known?.detail ?? {};
  return {
    ...change,
    ...(a !== undefined && { attention: a as Attention }),
    ...(kind === 'attention_resolved' && { resolution: { by, note } }),
  };
}

/** The plain map that a value is; `undefined` for any other value. */
export const mapOf = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
