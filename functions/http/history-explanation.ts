import { formatInstant, type Instant, knownTime, unknownTime } from '../domain/instant.ts';
import type { HistoryEntry } from '../domain/history-entry.ts';
import { isFinal, type PaymentRequestState, ranks } from '../domain/payment-request-state.ts';

/**
 * What happened by an entry of the history, and what it changed or why it changed nothing, in short sentences.
 *
 * @param history all entries of the record. They name the state that the entry lost against.
 */
export function explanationOf(entry: HistoryEntry, history: readonly HistoryEntry[]): string {
  const said = sentencesOf(entry, history);
  return entry.attention === undefined ? said : `${said} A person must look${whyToLook(entry)}.`;
}

function sentencesOf(entry: HistoryEntry, history: readonly HistoryEntry[]): string {
  const { kind, effect, detail, state = 'a state that this version does not know' } = entry;
  switch (kind) {
    case 'webhook':
      return `Klarna's webhook reported ${state}. ${effectOf(entry, history)}`;
    case 'read':
      return effect === 'noted'
        ? `Lapse asked Klarna for the state. ${responseWords(detail)}`
        : `Klarna reported ${state}. ${effectOf(entry, history)}`;
    case 'cancel':
      return effect === 'noted'
        ? `Lapse sent the cancel to Klarna. ${responseWords(detail)}`
        : `Klarna responded to the cancel with ${state}. ${effectOf(entry, history)}`;
    case 'not_found':
      return `Klarna no longer has the request. After its expiry that means ${state}. ${effectOf(entry, history)}`;
    case 'register':
    case 'extend':
      return sessionWords(entry);
    case 'klarna_expiry':
      return expiryWords(detail);
    case 'cancel_request':
      return detail['requested_by'] === undefined ? attemptWords(entry) : commandWords(entry);
    case 'confirmation':
      return confirmationWords(entry);
    case 'timer':
      return timerWords(entry);
    case 'sweep':
      return sweepWords(entry);
    case 'resolve':
      return `${told(detail['requested_by'])} resolved ${told(detail['attention']).replaceAll('_', ' ')}: ${told(detail['note'])}.`;
    case 'session':
      return paymentsWords(entry);
  }
}

const reasonsToLook: Readonly<Record<string, string>> = {
  canceled_after_completed: 'the customer had approved the payment before the cancel',
  paid_twice: 'the shop must keep one of the payments and return the other',
  not_authorized: 'authorize the payment at Klarna, or refund the order, before the hour is over',
  not_found: 'the request has not expired, so its id or its account may be wrong',
  klarna_denied: "correct the account's credentials",
  unknown_state: 'a newer version of Lapse may know the state',
};

/** Why, where it is known: newer code may set a reason that this code does not know. */
function whyToLook({ attention, effect, state }: HistoryEntry): string {
  if (attention === 'contradiction') {
    return effect === 'applied' || state === 'COMPLETED'
      ? ': the customer approved at the time of the end or after it'
      : ': a request can end only once';
  }
  const why = reasonsToLook[attention ?? ''];
  return why === undefined ? '' : `: ${why}`;
}

/** Responses of Klarna that do not name a state. */
const emptyResponses: Readonly<Record<string, string>> = {
  not_found: 'Klarna does not know the request',
  denied: "Klarna refused the account's credentials",
  rate_limited: 'Klarna refused the call because of its rate limit',
  refused: 'Klarna refused the call',
  unclear: 'Klarna gave no clear response',
  unknown_state: 'Klarna reported a state that this version does not know',
};

function responseWords({ response, state, status }: HistoryEntry['detail']): string {
  const words =
    response === 'payment_request' ? `Klarna reported ${told(state)}` : wordsFor(emptyResponses, response);
  return status === undefined ? `${words}.` : `${words} (HTTP ${status}).`;
}

/** What an observation changed, or which other it lost against and why. */
function effectOf(entry: HistoryEntry, history: readonly HistoryEntry[]): string {
  const { effect } = entry;
  switch (effect) {
    case 'applied':
      return 'The record now has this state.';
    case 'stale':
      return `Ignored: ${lossOf(entry, history)}.`;
    case 'confirming':
      return `No change: the record ${alreadyIs(entry, history)}.`;
    case 'contradicting':
      return `No change: it contradicts the record, which ${alreadyIs(entry, history)}.`;
    case 'accepted':
    case 'refused':
    case 'noted':
      return `It was ${effect}.`;
  }
}

/** The parts of the position that an observation met; an event id may hold the separator itself. */
function metBy({ against }: HistoryEntry) {
  if (against === undefined) return undefined;
  const [rank = '', at = '', ...eventId] = against.split('|');
  return { rank: Number(rank), at, eventId: eventId.join('|') };
}

type Met = NonNullable<ReturnType<typeof metBy>>;

/** The state that an observation met, by the entry that gave it, if the history still has that. */
const stateOf = ({ eventId }: Met, history: readonly HistoryEntry[]): PaymentRequestState | undefined =>
  history.find((each) => each.eventId === eventId)?.state;

function timeOf({ at, eventId }: Met): string {
  const known = knownTime(at as Instant);
  return `${known ? formatInstant(known) : 'an unknown time'} (${eventId})`;
}

/** What the state of a rank means, where its name is not known any more. */
const rankWords = ['open', 'COMPLETED', 'final'];

/** What the record was when an observation came, and since when. */
function alreadyIs(entry: HistoryEntry, history: readonly HistoryEntry[]): string {
  const met = metBy(entry);
  if (!met) return 'had this or a later state';
  const state = stateOf(met, history);
  const final = state !== undefined && isFinal(state) ? ' (final)' : '';
  return `is already ${state ?? rankWords[met.rank] ?? 'in another state'}${final} since ${timeOf(met)}`;
}

/** Why the record counts for more: by rank, else by time, else by event id. */
function lossOf(entry: HistoryEntry, history: readonly HistoryEntry[]): string {
  const { state, occurredAt } = entry;
  const met = metBy(entry);
  if (!met || state === undefined) return 'the record had something newer';
  if (met.rank > ranks[state]) return `the record ${alreadyIs(entry, history)}`;
  if (occurredAt === unknownTime)
    return 'its time is in the far future, so every other open state counts for more';
  const known = stateOf(met, history) ?? 'the known state';
  return met.at === occurredAt
    ? `${known} (${met.eventId}) has the same timestamp; the higher event ID wins`
    : `${known} of ${timeOf(met)} is newer`;
}

const refusals: Readonly<Record<string, string>> = {
  already_final: 'the request is paid or has ended',
  extension_limit: 'the limit of extensions is reached',
};

function sessionWords({ kind, effect, detail }: HistoryEntry): string {
  const who = told(detail['requested_by']);
  if (effect === 'refused') {
    const action = kind === 'register' ? 'register the session' : 'move the deadline';
    const code = told(detail['refused']);
    return `${who} asked to ${action}. Refused: ${refusals[code] ?? code}.`;
  }
  const observed = detail['on_timeout'] === 'observe' ? ' Observe only.' : '';
  const deadline = readable(detail['deadline_at']);
  return kind === 'register'
    ? `${who} registered the session. Its deadline is ${deadline}.${observed}`
    : `${who} moved the deadline to ${deadline}.`;
}

const expiryOutcomes: Readonly<Record<string, string>> = {
  accepted: 'Klarna accepted',
  refused: 'Klarna refused',
  unknown: 'Klarna gave no clear response',
};

function expiryWords({ expires_at, outcome, deadline_at: earlier }: HistoryEntry['detail']): string {
  const said = `Lapse asked Klarna to let the request expire at ${readable(expires_at)}. ${wordsFor(expiryOutcomes, outcome)}.`;
  return earlier === undefined ? said : `${said} The deadline is now Klarna's expiry, ${readable(earlier)}.`;
}

/** Of an entry that does not name the state of the request. */
const unnamed = 'paid or had ended';

/** What the request was when nothing was done. */
const wasWords = (state: PaymentRequestState | undefined): string => `the request was ${state ?? unnamed}`;

/** Why a session was only observed. */
const observeReasonWords: Readonly<Record<string, string>> = {
  session: 'the session is in observe mode',
  account: 'its account only observes',
  kind: 'its account only observes this kind of checkout',
  stage: 'the stage only observes',
  armed_from: 'the session was registered before the cut-off, armed_from',
};

function timerWords({ state, detail }: HistoryEntry): string {
  switch (detail['outcome']) {
    case 'would_cancel':
      return `The deadline passed. Lapse would have canceled the request, but ${observeReasonWords[detail['reason'] ?? 'session'] ?? told(detail['reason'])}.`;
    case 'not_yet':
      return `The timer fired before the deadline, ${readable(detail['deadline_at'])}. It was set again.`;
    default:
      return `The deadline passed. Nothing was canceled: ${wasWords(state)}.`;
  }
}

function confirmationWords({ effect, detail }: HistoryEntry): string {
  if (effect === 'accepted') {
    if (detail['source'] === 'api')
      return `${told(detail['requested_by'])} reported that the payment is authorized.`;
    const how = detail['linked_by'] === 'reference' ? ', for the reference of this request' : '';
    return `Klarna's webhook reported that the payment is authorized${how}.`;
  }
  const by = readable(detail['confirm_by']);
  return detail['outcome'] === 'lapsed'
    ? `No report said that the payment is authorized by ${by}. Klarna invalidates it then.`
    : `No report said yet that the payment is authorized. Klarna invalidates it at ${by}.`;
}

/** Who requested the cancel or continues it, and whether it was begun. */
function commandWords({ effect, state, detail }: HistoryEntry): string {
  const requested = requestWords(detail);
  if (effect === 'accepted')
    return `${requested} Lapse reads the state at Klarna, and cancels if it is open.`;
  if (effect === 'refused') return `${requested} Refused: ${wasWords(state)}.`;
  switch (detail['outcome']) {
    case 'pending':
      return `${requested} Another cancel was already in progress.`;
    case 'not_over':
      return `${requested} Nothing was done: the session has more time now, or is in observe mode.`;
    case 'spared':
      return `${requested} It was for the whole session. This request was not canceled: ${wasWords(state)}.`;
    default:
      return `${requested} The request was already canceled.`;
  }
}

function requestWords(detail: HistoryEntry['detail']): string {
  const who = told(detail['requested_by']);
  const why = detail['reason'] === undefined ? '' : ` (${detail['reason']})`;
  const continuedBy = detail['carried_on_by'];
  if (continuedBy !== undefined)
    return `${continuedBy} continued the cancel that ${who} had requested${why}.`;
  if (detail['cause'] === 'superseded')
    return `Another attempt of the session counts instead${why}, so ${who} requested the cancel.`;
  if (detail['cause'] === 'sweep')
    return `The payment was not authorized in time, so ${who} requested the cancel.`;
  return detail['cause'] === 'timeout'
    ? `The deadline passed, so ${who} requested the cancel.`
    : `${who} requested the cancel${why}.`;
}

const conclusions: Readonly<Record<string, string>> = {
  unknown: 'Klarna gave no clear response. The sweep asks again',
  not_found: 'Klarna does not know the request',
  denied: "Klarna refused the account's credentials. The sweep tries again",
  unknown_state: 'Klarna reported a state that this version does not know. The sweep asks again',
  grace: 'the customer is paying and got extra time, once',
  observed: 'a switch of the account or the stage was turned meanwhile, and the session is only observed',
};

/** What became of a cancel that did not end in CANCELED. */
function attemptWords({ effect, state, detail }: HistoryEntry): string {
  return effect === 'refused'
    ? `The cancel had no effect: ${wasWords(state)}.`
    : `The cancel is not done: ${conclusions[detail['conclusion'] ?? ''] ?? told(detail['outcome'])}.`;
}

const sweepResponses: Readonly<Record<string, string>> = {
  refreshed: 'The entry before this one has its response',
  not_found: 'Klarna does not know the request',
};

function sweepWords({ state, detail }: HistoryEntry): string {
  const question = detail['looked_into'] === 'time' ? 'unknown time' : told(detail['looked_into']);
  const asked = `The sweep asked Klarna about the ${question} that ${told(detail['raised_by'])} raised.`;
  const record = state === undefined ? 'The record has no state' : `The record says ${state}`;
  return `${asked} ${wordsFor(sweepResponses, detail['response'])}. ${record}.`;
}

/** Of two payments in one session. */
const paymentsWords = ({ detail }: HistoryEntry): string =>
  `The customer approved two Payment Requests of the session: this one and ${told(detail['paid_with'])}.`;

/** The words for a code, or the code itself where newer code has one that this code does not know. */
const wordsFor = (words: Readonly<Record<string, string>>, code: string | undefined): string =>
  words[code ?? ''] ?? `Klarna's response: ${told(code)}`;

/** A time in an entry's detail, without more digits than a person reads. */
const readable = (time: string | undefined): string => told(time).replace(/(\.\d{3})\d+Z$/, '$1Z');

const told = (detail: string | undefined): string => detail ?? 'unknown';
