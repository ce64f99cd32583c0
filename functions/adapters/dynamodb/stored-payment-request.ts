import { isDeepStrictEqual } from 'node:util';
import { tableIndexes, tableSchema } from '../../contract/table-schema.ts';
import type { HistoryEntry } from '../../domain/history-entry.ts';
import { roomIn } from '../../domain/history.ts';
import {
  type EventId,
  parsePaymentRequestId,
  type PaymentRequestKey,
  type SessionId,
} from '../../domain/identifiers.ts';
import { type KeptCall, type KeptOutcome, mostKeptCalls } from '../../domain/idempotent-call.ts';
import { type Instant, instantFromMillis, millisOf } from '../../domain/instant.ts';
import { listCursorOf, timeOfCursor } from '../../domain/list-cursor.ts';
import type { EvidenceSource, Position } from '../../domain/observation.ts';
import type { Attention } from '../../domain/attention.ts';
import {
  type Cancellation,
  type CancellationOutcome,
  type Confirmation,
  isKlarnaExpiryOpenOnceSubmitted,
  type PaymentRequest,
  type RegisteredSession,
  type TimerState,
} from '../../domain/payment-request.ts';
import { isOpen, parseState } from '../../domain/payment-request-state.ts';
import { kindPattern } from '../../domain/registration.ts';
import { observeReasons, type ObserveReason } from '../../domain/payment-request.ts';
import { UnreadableRecordError } from '../../domain/unreadable-record-error.ts';
import {
  attentionShardOf,
  dueShardOf,
  keyOfPartition,
  observedKeyOf,
  ownPartOf,
  partitionKeyOf,
  referenceKeyOf,
  sessionKeyOf,
  timeToLive,
} from './record-keys.ts';
import {
  fromStoredChange,
  fromStoredEntry,
  fromTime,
  kinds,
  mapOf,
  noState,
  type StoredChange,
  type StoredEntry,
  type StoredTime,
  toStoredChange,
  toStoredEntry,
  toTime,
} from './stored-history.ts';

/** An item as plain values. The SDK marshals them for DynamoDB. */
export type Item = Readonly<Record<string, unknown>>;

/**
 * The item of a Payment Request. Its names are short, because every write pays for the whole item. What follows from other attributes
 * is not stored, but for the keys of the indexes and what a write without a read is conditional on. docs/reference/stored-record.md has the same list for readers of the table.
 */
export interface StoredPaymentRequest {
  readonly PK: string;
  /** Klarna's state, the one before it, and Klarna's reason. */
  readonly s?: string | undefined;
  readonly ps?: string | undefined;
  readonly sr?: string | undefined;
  /** The position: rank, time and event id of the fact that gave the state. */
  readonly p?: string | undefined;
  /** The source of that fact, and when we received it. */
  readonly es?: string | undefined;
  readonly et?: StoredTime | undefined;
  /** When the customer approved, where that is earlier than the position tells. */
  readonly ca?: StoredTime | undefined;
  /** Klarna's expiry. */
  readonly kx?: StoredTime | undefined;
  /** The attempt that this one follows; that the session has others; that these are to be looked into. */
  readonly rf?: string | undefined;
  readonly so?: true | undefined;
  readonly sc?: true | undefined;
  /** The session: see `toStoredSession`. */
  readonly se?: Item | undefined;
  /** The deadline, and the state of its timer; no `tm` means `undecided`. */
  readonly dl?: StoredTime | undefined;
  readonly tm?: string | undefined;
  /** The kind of checkout, what a registration named for the deadline, and why the session is observed: see `toStoredEnd`. */
  readonly oe?: Item | undefined;
  /** When a timer last only observed the end of the session, and why. */
  readonly wo?: { readonly t: StoredTime; readonly r: string } | undefined;
  /** The cancellation: see `toStoredCancellation`. */
  readonly x?: Item | undefined;
  /** Milliseconds after COMPLETED at which an unauthorized payment needs a person, where the account watches that. */
  readonly wa?: number | undefined;
  /** What is known about the authorization: see `toStoredConfirmation`. */
  readonly cf?: Item | undefined;
  /** The purpose: `token`, or absent. */
  readonly pu?: string | undefined;
  /** The newest calls that had a key: see `toStoredCall`. */
  readonly ik?: readonly string[] | undefined;
  /** Why it needs a person. */
  readonly at?: string | undefined;
  /** What a person has resolved for good. */
  readonly rs?: readonly string[] | undefined;
  /** The open question: what it is about, and the event that raised it. */
  readonly q?: { readonly a: string; readonly i: string } | undefined;
  /** Attempts of the sweep that settled nothing, and when it tries again. */
  readonly n?: number | undefined;
  readonly ry?: StoredTime | undefined;
  /** The history, oldest first; how many entries were only counted, and when the first and the last of them were. */
  readonly h?: readonly StoredEntry[] | undefined;
  readonly hc?: number | undefined;
  readonly hf?: StoredTime | undefined;
  readonly hl?: StoredTime | undefined;
  /** How many bytes of entries the history has room for. */
  readonly rm: number;
  /** True where Klarna's expiry is too early as soon as the request is SUBMITTED. */
  readonly ke?: true | undefined;
  /** The events of the last write, the state before it where the event does not tell, and the sequence of the last event. */
  readonly c?: readonly StoredChange[] | undefined;
  readonly cp?: string | undefined;
  readonly sq: number;
  /** The version, and the ids of the newest writes that followed a read. */
  readonly v: number;
  readonly w?: readonly string[] | undefined;
  /** When it was updated, in milliseconds since 1970. */
  readonly ut: number;
  /** When it was erased: the item is a tombstone. */
  readonly er?: StoredTime | undefined;
  readonly ttl: number;
  /** Keys of the indexes: due, open, session, reference, attention. `ct` is `<created_at>#<end of the id>`. */
  readonly d?: string | undefined;
  readonly da?: string | undefined;
  readonly o?: string | undefined;
  readonly ct: string;
  readonly sk?: string | undefined;
  readonly rk?: string | undefined;
  readonly ak?: string | undefined;
  readonly aa?: string | undefined;
}

/** The name of an attribute of a record. */
export type Attribute = keyof StoredPaymentRequest;

const time = (instant: Instant | undefined): StoredTime | undefined => instant && toTime(instant);

/** The record as its item. Attributes without a value are `undefined`, and marshalling leaves them out. */
export function toItem(record: PaymentRequest, retentionDays: number): StoredPaymentRequest {
  return {
    ...toIndexKeys(record),
    ...toOwnAttributes(record),
    h: record.history.map(toStoredEntry),
    rm: roomIn(record.history),
    ke: isKlarnaExpiryOpenOnceSubmitted(record) ? true : undefined,
    ttl: timeToLive(millisOf(record.updatedAt), retentionDays),
  };
}

function toOwnAttributes(record: PaymentRequest) {
  const { evidence, session, cancellation, question, dropped, wouldCancel } = record;
  return {
    s: record.state,
    ps: record.previousState,
    sr: record.stateReason,
    p: record.position,
    es: evidence && kinds.encode(evidence.source),
    et: time(evidence?.observedAt),
    ca: time(record.completedAt),
    kx: time(record.klarnaExpiresAt),
    rf: record.recoveredFrom,
    so: record.isOneOfSeveral,
    sc: record.isToBeCompared,
    se: session && toStoredSession(session),
    dl: time(record.deadlineAt),
    tm: record.timer === 'undecided' ? undefined : record.timer,
    oe: session && toStoredEnd(session),
    wo: wouldCancel && { t: toTime(wouldCancel.at), r: wouldCancel.reason },
    x: cancellation && toStoredCancellation(cancellation),
    wa: record.confirmation?.alertAfter,
    cf: record.confirmation && toStoredConfirmation(record.confirmation),
    pu: record.purpose,
    ik: record.calls?.map(toStoredCall),
    at: record.attention,
    rs: record.resolved,
    q: question && { a: question.about, i: question.eventId },
    n: record.attempts === 0 ? undefined : record.attempts,
    ry: time(record.retryAt),
    hc: dropped?.count,
    hf: time(dropped?.first),
    hl: time(dropped?.last),
    c:
      record.changes.length === 0
        ? undefined
        : record.changes.map((change) => toStoredChange(change, record)),
    cp: undefined,
    sq: record.sequence,
    v: record.version,
    w: record.writes.length === 0 ? undefined : record.writes,
    ut: millisOf(record.updatedAt),
    er: time(record.erasedAt),
  };
}

/** The keys of the record and of its indexes. */
function toIndexKeys(record: PaymentRequest) {
  const { account, sessionId, reference, dueAt, attention, attentionSince, updatedAt, wouldCancel } = record;
  return {
    PK: partitionKeyOf(record),
    d: dueAt && dueShardOf(record),
    da: dueAt,
    o: isOpen(record.state) ? account : undefined,
    ct: listCursorOf(record),
    sk: sessionId && sessionKeyOf(account, sessionId),
    rk: reference === undefined ? undefined : referenceKeyOf(account, reference),
    ...(attention === undefined
      ? {
          ak: wouldCancel && observedKeyOf(account),
          aa: wouldCancel && listCursorOf({ ...record, createdAt: wouldCancel.at }),
        }
      : {
          ak: attentionShardOf(record),
          aa: listCursorOf({ ...record, createdAt: attentionSince ?? updatedAt }),
        }),
  };
}

/** A map of its own, so that older code, which writes the session as a whole, leaves it as it is. */
function toStoredEnd({ kind, asked, observedBy }: RegisteredSession): Item | undefined {
  if (kind === undefined && asked === undefined && observedBy === undefined) return undefined;
  return { k: kind, a: asked, b: observedBy };
}

const toStoredSession = (session: RegisteredSession): Item => ({
  at: toTime(session.registeredAt),
  rq: session.requested,
  su: session.supersedes,
  kx: time(session.klarnaExpiresAt),
  ob: session.onTimeout === 'observe' ? true : undefined,
  gr: session.inProgressGrace,
  gg: time(session.graceGivenAt),
  xt: session.extensions === 0 ? undefined : session.extensions,
  ka: time(session.klarnaExpiry?.askedFor),
  ks: time(session.klarnaExpiry?.shown),
  kf: session.klarnaExpiry?.isFixed,
  km: time(session.klarnaExpiryMayBe),
  ku: session.isKlarnaExpiryUnanswered,
});

const toStoredCancellation = (cancellation: Cancellation): Item => ({
  o: cancellation.outcome,
  c: cancellation.cause,
  r: cancellation.reason,
  b: cancellation.requestedBy,
  t: toTime(cancellation.requestedAt),
  al: cancellation.allowCompleted ? true : undefined,
  sb: cancellation.sentBefore ? true : undefined,
  sw: cancellation.sentWithoutLeave,
  li: cancellation.lease?.id,
  lu: time(cancellation.lease?.until),
});

/** The facts about the authorization; absent where the record only says that the account watches authorizations. */
export function toStoredConfirmation(confirmation: Confirmation): Item | undefined {
  const stored = {
    al: time(confirmation.alertedAt),
    au: time(confirmation.authorizedAt),
    ab: confirmation.authorizedBy,
    la: time(confirmation.lapsedAt),
  };
  return Object.values(stored).some((value) => value !== undefined) ? stored : undefined;
}

/** A record, and the attributes of its item that could not be read. Those stay in the table as they are. */
export interface Decoded {
  readonly record: PaymentRequest;
  readonly unreadable: readonly string[];
}

/** Attributes without which nothing may be decided: the state, its position, the cancellation, the authorization, the version. */
const vital: ReadonlySet<string> = new Set(['PK', 's', 'p', 'x', 'cf', 'v', 'ct'] satisfies Attribute[]);

/** Attributes that every record has. */
const required = ['PK', 'ct', 'v'] as const satisfies readonly Attribute[];

/**
 * The record of an item, whatever the item holds. An attribute that cannot be read is left out and named.
 *
 * @throws {UnreadableRecordError} where a vital attribute cannot be read, or one that every record has is missing
 */
export function decode(item: Item, readEntry = fromStoredEntry): Decoded {
  const reader = new ItemReader(item);
  const key = reader.read('PK', keyOf) ?? nowhere;
  const created = reader.read('ct', createdOf) ?? epoch;
  const updatedAt = reader.read('ut', fromTime) ?? created;
  const before = reader.read('cp', stateBeforeOf);
  const session = reader.read('se', sessionOf);
  const end = reader.read('oe', endOf);
  const record: PaymentRequest = {
    ...key,
    sessionId: reader.read('sk', ownTextOf) as SessionId | undefined,
    reference: reader.read('rk', ownTextOf),
    ...statesOf(reader),
    ...factOf(reader, updatedAt),
    klarnaExpiresAt: reader.read('kx', fromTime),
    recoveredFrom: reader.read('rf', requestIdOf),
    isOneOfSeveral: reader.read('so', markOf),
    isToBeCompared: reader.read('sc', markOf),
    session: session && { ...session, ...end },
    deadlineAt: reader.read('dl', fromTime),
    timer: reader.read('tm', timerOf) ?? 'undecided',
    cancellation: reader.read('x', cancellationOf),
    ...approvalOf(reader),
    ...attentionOf(reader),
    wouldCancel: reader.read('wo', wouldCancelOf),
    question: reader.read('q', questionOf),
    attempts: reader.read('n', countOf) ?? 0,
    retryAt: reader.read('ry', fromTime),
    dueAt: reader.read('da', fromTime),
    history: onceEach(reader.list('h', readEntry)),
    dropped: droppedOf(reader, created, updatedAt),
    version: reader.read('v', countOf) ?? 0,
    sequence: reader.read('sq', countOf) ?? 0,
    changes: [],
    writes: reader.list('w', textOf),
    createdAt: created,
    updatedAt,
    erasedAt: reader.read('er', fromTime),
  };
  const changes = reader.list('c', (change) =>
    fromStoredChange(change, {
      ...record,
      ...(before && { previousState: before === noState ? undefined : before }),
    }),
  );
  const missing = required.filter((name) => !(name in item));
  const lost = [...missing, ...reader.unreadable.filter((name) => vital.has(name))];
  if (lost.length > 0) throw new UnreadableRecordError(key, lost);
  return { record: { ...record, changes }, unreadable: reader.unreadable };
}

function droppedOf(reader: ItemReader, first: Instant, last: Instant): PaymentRequest['dropped'] {
  const count = reader.read('hc', countOf);
  if (count === undefined) return undefined;
  return { count, first: reader.read('hf', fromTime) ?? first, last: reader.read('hl', fromTime) ?? last };
}

/** The key and the time of an item that has none. Such an item is never passed on. */
const nowhere = { account: '', paymentRequestId: '' } as unknown as PaymentRequestKey;
const epoch = '1970-01-01T00:00:00.000000000Z' as Instant;

/** Reads attributes, and collects the names of those that it could not read. */
class ItemReader<Name extends string = Attribute> {
  readonly unreadable: string[] = [];
  readonly #item: Item;

  constructor(item: Item) {
    this.#item = item;
  }

  /** The value of an attribute; `undefined` where there is none, or where `parse` does not take it. */
  read<Value>(name: Name, parse: (value: unknown) => Value | undefined): Value | undefined {
    const stored = this.#item[name];
    if (stored === undefined) return undefined;
    const value = parse(stored);
    if (value === undefined) this.unreadable.push(name);
    return value;
  }

  /** The members of a list that `parse` takes. */
  list<Value>(name: Name, parse: (value: unknown) => Value | undefined): readonly Value[] {
    const stored = this.#item[name];
    if (stored === undefined) return [];
    const values = Array.isArray(stored) ? (stored as readonly unknown[]) : [undefined];
    const read = values.map(parse).filter((value) => value !== undefined);
    if (read.length < values.length) this.unreadable.push(name);
    return read;
  }
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const textsIn = (texts: readonly string[]): readonly string[] | undefined =>
  texts.length > 0 ? texts : undefined;
const ownTextOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? ownPartOf(value) : undefined;
const countOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
/** Something that is so; absent where it is not. */
const markOf = (value: unknown): true | undefined => (value === true ? true : undefined);
const requestIdOf = (value: unknown) =>
  typeof value === 'string' ? parsePaymentRequestId(value) : undefined;
const stateOf = (value: unknown) => (typeof value === 'string' ? parseState(value) : undefined);

/** The state that DynamoDB copies before a write, for events without a previous state of Klarna. */
const stateBeforeOf = (value: unknown) => (value === noState ? noState : stateOf(value));

const keyOf = (value: unknown) => (typeof value === 'string' ? keyOfPartition(value) : undefined);

const timers: readonly string[] = [
  'none',
  'pending',
  'armed',
  'sweep',
  'fired',
  'removed',
] satisfies readonly TimerState[];
const timerOf = (value: unknown): TimerState | undefined =>
  typeof value === 'string' && timers.includes(value) ? (value as TimerState) : undefined;

/** The time at the beginning of a cursor. */
const createdOf = (value: unknown): Instant | undefined =>
  typeof value === 'string' ? timeOfCursor(value) : undefined;

const positionPattern = /^([012])\|([^|]{30})\|([!-~]{1,128})$/;

/** Why the record needs a person, and what a person has resolved. */
function attentionOf(reader: ItemReader): Pick<PaymentRequest, 'attention' | 'attentionSince' | 'resolved'> {
  const attention = reader.read('at', textOf) as Attention | undefined;
  return {
    attention,
    // Without an attention, the key is that of a session that was observed.
    attentionSince: attention && reader.read('aa', createdOf),
    resolved: textsIn(reader.list('rs', textOf)),
  };
}

/** What the position tells: the fact that gave the record its state. */
function factOf(
  reader: ItemReader,
  updatedAt: Instant,
): Pick<PaymentRequest, 'position' | 'occurredAt' | 'evidence'> {
  const fact = reader.read('p', (value) => {
    const [position, , at, eventId] = positionPattern.exec(typeof value === 'string' ? value : '') ?? [];
    const occurredAt = fromTime(at);
    return occurredAt ? { position, occurredAt, eventId } : undefined;
  });
  const source = reader.read('es', kinds.decode) as EvidenceSource | undefined;
  const observedAt = reader.read('et', fromTime) ?? updatedAt;
  if (!fact) return {};
  const { position, occurredAt, eventId } = fact;
  return {
    position: position as Position,
    occurredAt,
    evidence: source && { source, eventId: eventId as EventId, observedAt },
  };
}

function sessionOf(value: unknown): RegisteredSession | undefined {
  const stored = new ItemReader<string>(mapOf(value) ?? {});
  const registeredAt = stored.read('at', fromTime);
  const requested = stored.read('rq', textOf);
  const askedFor = stored.read('ka', fromTime);
  const shown = stored.read('ks', fromTime);
  const isFixed = stored.read('kf', markOf);
  const supersedes = stored.read('su', markOf);
  const isUnanswered = stored.read('ku', markOf);
  const session = {
    ...(supersedes && { supersedes }),
    klarnaExpiresAt: stored.read('kx', fromTime),
    onTimeout: stored.read('ob', markOf) ? 'observe' : 'cancel',
    inProgressGrace: stored.read('gr', countOf),
    graceGivenAt: stored.read('gg', fromTime),
    extensions: stored.read('xt', countOf) ?? 0,
    klarnaExpiry: askedFor && shown ? { askedFor, shown, ...(isFixed && { isFixed }) } : undefined,
    klarnaExpiryMayBe: stored.read('km', fromTime),
    ...(isUnanswered && { isKlarnaExpiryUnanswered: isUnanswered }),
  } as const;
  if (!registeredAt || requested === undefined || stored.unreadable.length > 0) return undefined;
  return { registeredAt, requested, ...session };
}

type StoredEnd = Pick<RegisteredSession, 'kind' | 'asked' | 'observedBy'>;

function endOf(value: unknown): StoredEnd | undefined {
  const { k, a, b } = mapOf(value) ?? {};
  const isRead =
    (k === undefined || (typeof k === 'string' && kindPattern.test(k))) &&
    (a === undefined || a === 'cancel' || a === 'observe') &&
    (b === undefined || isReason(b));
  if (!isRead || mapOf(value) === undefined) return undefined;
  return {
    ...(k !== undefined && { kind: k }),
    ...(a && { asked: a }),
    ...(b !== undefined && { observedBy: b }),
  };
}

const isReason = (value: unknown): value is ObserveReason =>
  (observeReasons as readonly unknown[]).includes(value);

function wouldCancelOf(value: unknown): PaymentRequest['wouldCancel'] {
  const { t, r } = mapOf(value) ?? {};
  const at = fromTime(t);
  return at && isReason(r) ? { at, reason: r } : undefined;
}

/** Klarna's state, the one before it, and Klarna's reason. */
const statesOf = (reader: ItemReader): Pick<PaymentRequest, 'state' | 'previousState' | 'stateReason'> => ({
  state: reader.read('s', stateOf),
  previousState: reader.read('ps', stateOf),
  stateReason: reader.read('sr', textOf),
});

/** What becomes of the payment after the customer approved it, and the calls with a key. */
const approvalOf = (
  reader: ItemReader,
): Pick<PaymentRequest, 'completedAt' | 'confirmation' | 'purpose' | 'calls'> => ({
  completedAt: reader.read('ca', fromTime),
  confirmation: confirmationOf(reader),
  purpose: reader.read('pu', purposeOf),
  calls: reader.read('ik', callsOf),
});

/** What the two attributes tell together; `undefined` where there is neither. */
function confirmationOf(reader: ItemReader): Confirmation | undefined {
  const alertAfter = reader.read('wa', countOf);
  const facts = reader.read('cf', confirmationFactsOf);
  if (alertAfter === undefined && !facts) return undefined;
  return { ...(alertAfter !== undefined && { alertAfter }), ...facts };
}

function confirmationFactsOf(value: unknown): Confirmation | undefined {
  const map = mapOf(value);
  const stored = new ItemReader<string>(map ?? {});
  const facts = {
    alertedAt: stored.read('al', fromTime),
    authorizedAt: stored.read('au', fromTime),
    authorizedBy: stored.read('ab', authorizationSourceOf),
    lapsedAt: stored.read('la', fromTime),
  };
  if (!map || stored.unreadable.length > 0) return undefined;
  return Object.fromEntries(Object.entries(facts).filter(([, fact]) => fact !== undefined));
}

const authorizationSourceOf = (value: unknown): Confirmation['authorizedBy'] =>
  value === 'webhook' || value === 'api' ? value : undefined;

/** A call as one text: digests of key and request, its time in milliseconds, its outcome, and the state that refused it. */
const toStoredCall = ({ key, request, at, outcome, state }: KeptCall): string =>
  [key, request, millisOf(at), outcome, ...(state === undefined ? [] : [state])].join('.');

function callsOf(value: unknown): readonly KeptCall[] | undefined {
  if (!Array.isArray(value) || value.length > mostKeptCalls) return undefined;
  const calls = value.map(callOf);
  return calls.includes(undefined) ? undefined : calls.filter((call) => call !== undefined);
}

function callOf(value: unknown): KeptCall | undefined {
  const [, key, request, millis, outcome, text] = storedCall.exec(textOf(value) ?? '') ?? [];
  if (key === undefined || request === undefined) return undefined;
  const state = text === undefined ? undefined : parseState(text);
  if (text !== undefined && state === undefined) return undefined;
  const at = instantFromMillis(Number(millis));
  return { key, request, at, outcome: outcome as KeptOutcome, ...(state && { state }) };
}

const storedCall =
  /^([0-9a-f]{16})\.([0-9a-f]{16})\.(\d{1,15})\.(registered|changed|unchanged|canceled|already_canceled|already_final|unsettled)(?:\.([A-Z_]+))?$/;

const purposeOf = (value: unknown): PaymentRequest['purpose'] => (value === 'token' ? value : undefined);

const outcomes: readonly string[] = [
  'claimed',
  'pending',
  'canceled',
  'already_canceled',
  'refused',
  'not_found',
] satisfies readonly CancellationOutcome[];

function cancellationOf(value: unknown): Cancellation | undefined {
  const stored = new ItemReader<string>(mapOf(value) ?? {});
  const outcome = stored.read('o', outcomeOf);
  const cause = stored.read('c', textOf) as Cancellation['cause'] | undefined;
  const requestedBy = stored.read('b', textOf);
  const requestedAt = stored.read('t', fromTime);
  const id = stored.read('li', textOf);
  const until = stored.read('lu', fromTime);
  const sentWithoutLeave = stored.read('sw', markOf);
  const cancellation = {
    reason: stored.read('r', textOf),
    allowCompleted: stored.read('al', markOf) ?? false,
    sentBefore: stored.read('sb', markOf) ?? false,
    ...(sentWithoutLeave && { sentWithoutLeave }),
    lease: id !== undefined && until ? { id, until } : undefined,
  };
  const isWhole = stored.unreadable.length === 0 && (id === undefined) === (until === undefined);
  if (!isWhole || !outcome || cause === undefined || requestedBy === undefined || !requestedAt) {
    return undefined;
  }
  return { outcome, cause, requestedBy, requestedAt, ...cancellation };
}

const outcomeOf = (value: unknown): CancellationOutcome | undefined =>
  typeof value === 'string' && outcomes.includes(value) ? (value as CancellationOutcome) : undefined;

function questionOf(value: unknown): PaymentRequest['question'] {
  const { a, i } = mapOf(value) ?? {};
  if ((a !== 'tie' && a !== 'contradiction' && a !== 'time') || typeof i !== 'string') return undefined;
  return { about: a, eventId: i as EventId };
}

/** A write that is sent again after a lost response may add an entry twice. */
function onceEach(history: readonly HistoryEntry[]): readonly HistoryEntry[] {
  const seen = new Set<string>();
  return history.filter(({ eventId }) => !seen.has(eventId) && seen.add(eventId));
}

/**
 * Attributes that each write names. The events belong to one write alone. Older code may have left the keys of the indexes as they were.
 */
const alwaysNamed: ReadonlySet<string> = new Set([
  ...(['c', 'cp', 'sq'] satisfies Attribute[]),
  ...tableIndexes.flatMap(({ partitionKey, sortKey }) => [partitionKey, sortKey]),
]);

/**
 * What a write changes: the attributes whose value in `next` differs from the stored item, and `undefined` for those
 * to remove. Attributes that this code does not know or cannot read are in neither, so they stay as they are.
 */
export function changedAttributes(read: Item, next: Item): ReadonlyMap<string, unknown> {
  const changed = new Map<string, unknown>();
  for (const attribute in next) {
    const value = next[attribute];
    if (alwaysNamed.has(attribute) || !isDeepStrictEqual(read[attribute], value))
      changed.set(attribute, value);
  }
  for (const attribute in read) if (!(attribute in next)) changed.set(attribute, undefined);
  changed.delete(tableSchema.partitionKey);
  return changed;
}

/** The entries of `next` that a write adds to those of `current`; `undefined` where some of those are gone. */
export function addedEntries(
  current: PaymentRequest,
  next: PaymentRequest,
): readonly HistoryEntry[] | undefined {
  const isKept = current.history.every((entry, index) => entry === next.history[index]);
  return isKept ? next.history.slice(current.history.length) : undefined;
}
