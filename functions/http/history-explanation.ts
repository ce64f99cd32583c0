import { formatInstant, type Instant } from '../domain/instant.ts';
import type { HistoryEntry } from '../domain/payment-request.ts';
import { ranks } from '../domain/payment-request-state.ts';

/**
 * What an entry of the history says happened, and what it changed or why it changed nothing: one sentence for a person.
 *
 * @param history the entries among which it stands: of what it lost against, they have the state.
 */
export function explanationOf(entry: HistoryEntry, history: readonly HistoryEntry[]): string {
  const said = sentenceOf(entry, history);
  return entry.attention === undefined ? said : `${said}; a person must look${whyToLook(entry)}`;
}

function sentenceOf(entry: HistoryEntry, history: readonly HistoryEntry[]): string {
  const { kind, effect, detail, state = 'a state that is new to us' } = entry;
  switch (kind) {
    case 'webhook':
      return `Klarna's webhook says ${state}, which ${effectOf(entry, history)}`;
    case 'read':
      return effect === 'noted'
        ? `Klarna was asked and ${responded(detail)}`
        : `Klarna was asked and says ${state}, which ${effectOf(entry, history)}`;
    case 'cancel':
      return effect === 'noted'
        ? `Klarna was told to cancel and ${responded(detail)}`
        : `Klarna answered our cancel with ${state}, which ${effectOf(entry, history)}`;
    case 'not_found':
      return `Klarna does not know the request any more, which after its expiry means ${state}, which ${effectOf(entry, history)}`;
    case 'register':
    case 'extend':
      return sessionWords(entry);
    case 'klarna_expiry':
      return expiryWords(entry);
    case 'cancel_request':
      return detail['requested_by'] === undefined ? settlementWords(entry) : commandWords(entry);
    case 'timer':
      return timerWords(entry);
    case 'sweep':
      return `Klarna was asked about the ${told(detail['looked_into'])} that ${told(detail['raised_by'])} had raised, and ${wordIn(sweepResponses, detail['response'])}; the record says ${entry.state ?? 'nothing'}`;
  }
}

const reasonsToLook: Readonly<Record<string, string>> = {
  canceled_after_completed: 'the customer had approved, and our cancel went through all the same',
  not_found: 'its expiry has not passed, so its id or its account may be wrong',
  klarna_denied: "the account's credentials have to be mended",
  unknown_state: 'a newer version may know the state',
};

/** Why, where it is known: newer code may want things seen that this code does not know. */
function whyToLook({ attention, effect, state }: HistoryEntry): string {
  if (attention === 'contradiction') {
    return effect === 'applied' || state === 'COMPLETED'
      ? ': the customer approved no earlier than the request ended'
      : ': a request ends only once';
  }
  const why = reasonsToLook[attention ?? ''];
  return why === undefined ? '' : `: ${why}`;
}

/** Answers of Klarna's that say nothing of what became of the request. */
const emptyResponses: Readonly<Record<string, string>> = {
  not_found: 'does not know the request',
  denied: 'refused our credentials',
  rate_limited: 'would not take so many calls',
  refused: 'would not have it',
  unclear: 'gave no answer that says what became of it',
  unknown_state: 'showed a state that is new to us',
};

function responded({ response, state, status }: HistoryEntry['detail']): string {
  const words = response === 'payment_request' ? `showed ${told(state)}` : wordIn(emptyResponses, response);
  return status === undefined ? words : `${words} (HTTP ${status})`;
}

const expiryResponses: Readonly<Record<string, string>> = {
  accepted: 'will',
  refused: 'will not',
  unknown: 'gave no answer that says whether it will',
};

const sweepResponses: Readonly<Record<string, string>> = {
  refreshed: 'answered with what the entry before this one says',
  not_found: 'does not know the request',
};

/** What an observation changed, or which other it lost against and why. */
function effectOf(entry: HistoryEntry, history: readonly HistoryEntry[]): string {
  const { effect } = entry;
  switch (effect) {
    case 'applied':
      return 'became the state of the record';
    case 'stale':
      return `changed nothing: ${lossOf(entry, history)}`;
    case 'confirming':
      return `changed nothing: it says the same as ${winnerOf(entry, history)}`;
    case 'contradicting':
      return `changed no state: it contradicts ${winnerOf(entry, history)}, which came first and stays`;
    case 'accepted':
    case 'refused':
    case 'noted':
      return `was ${effect}`;
  }
}

/** The parts of the position that an observation met; an event id may hold the separator itself. */
function metBy({ against }: HistoryEntry) {
  if (against === undefined) return undefined;
  const [rank = '', at = '', ...eventId] = against.split('|');
  return { rank: Number(rank), at, eventId: eventId.join('|') };
}

function winnerOf(entry: HistoryEntry, history: readonly HistoryEntry[]): string {
  const met = metBy(entry);
  if (!met) return 'what was known';
  const state = history.find(({ eventId }) => eventId === met.eventId)?.state;
  return `${state ?? 'what was said'} of ${formatInstant(met.at as Instant)} (${met.eventId})`;
}

/** Why what was known counts for more: by rank, else by time, else by event id. */
function lossOf(entry: HistoryEntry, history: readonly HistoryEntry[]): string {
  const { state, occurredAt } = entry;
  const met = metBy(entry);
  const winner = winnerOf(entry, history);
  if (!met || state === undefined) return `${winner} counts for more`;
  if (met.rank > ranks[state]) return `${winner} outranks it, whatever their times`;
  return met.at === occurredAt
    ? `${winner} is of the same time, and of two event ids the greater one decides`
    : `${winner} is later`;
}

function sessionWords({ kind, effect, detail }: HistoryEntry): string {
  const who = told(detail['requested_by']);
  const action = kind === 'register' ? 'register the session' : "move the session's deadline";
  if (effect === 'refused') return `${who} asked to ${action}, which was refused: ${told(detail['refused'])}`;
  const done = kind === 'register' ? 'registered the session, due' : "moved the session's deadline to";
  const observed = detail['on_timeout'] === 'observe' ? ', only to be observed' : '';
  return `${who} ${done} ${told(detail['deadline_at'])}${observed}`;
}

function expiryWords({ detail }: HistoryEntry): string {
  const asked = `Klarna was asked to let the request expire at ${told(detail['expires_at'])} itself, and ${wordIn(expiryResponses, detail['outcome'])}`;
  const { deadline_at: earlier } = detail;
  return earlier === undefined ? asked : `${asked}, so the session's deadline is Klarna's expiry, ${earlier}`;
}

function timerWords({ state, detail }: HistoryEntry): string {
  switch (detail['outcome']) {
    case 'would_cancel':
      return 'The session is over: it would have been canceled, but is only observed';
    case 'not_yet':
      return `The session's timer went off before its deadline, ${told(detail['deadline_at'])}: nothing was done, and it is set again`;
    default:
      return `The session is over: nothing was canceled, for the request was ${state ?? unnamed}`;
  }
}

/** Of entries that do not say what the request was. */
const unnamed = 'paid or over';

/** Who asked for the cancel, or carries it on, and whether it was begun. */
function commandWords({ effect, state, detail }: HistoryEntry): string {
  const asks = askingWords(detail);
  if (effect === 'accepted') return `${asks}: Klarna is asked for the state, and if it is open, to cancel`;
  const was = state ?? unnamed;
  if (effect === 'refused') return `${asks}, which was refused: the request was ${was}`;
  switch (detail['outcome']) {
    case 'pending':
      return `${asks}, while another cancel was on its way already, which says what comes of it`;
    case 'not_over':
      return `${asks}, but it was given more time meanwhile, or is only observed`;
    case 'spared':
      return `${asks}, with the rest of its session, which spares it: the request was ${was}`;
    default:
      return `${asks}, but it was canceled already`;
  }
}

function askingWords(detail: HistoryEntry['detail']): string {
  const who = told(detail['requested_by']);
  const why = detail['reason'] === undefined ? '' : ` (${detail['reason']})`;
  const carriedOnBy = detail['carried_on_by'];
  if (carriedOnBy !== undefined)
    return `${carriedOnBy} carries on the cancel that ${who} had asked for${why}`;
  return detail['cause'] === 'timeout'
    ? `The session's time is up, so ${who} asks for the cancel`
    : `${who} asks for the cancel${why}`;
}

const conclusions: Readonly<Record<string, string>> = {
  unknown: 'Klarna gave no answer that says what became of it; the sweep asks again',
  not_found: 'Klarna does not know the request',
  denied: 'Klarna refuses our credentials; the sweep tries again',
  unknown_state: 'Klarna shows a state that is new to us; the sweep asks again',
  grace: 'the customer is in the middle of paying and was given time, once',
};

/** What came of a cancel that did not end in CANCELED. */
function settlementWords({ effect, state, detail }: HistoryEntry): string {
  return effect === 'refused'
    ? `The cancel came to nothing: the request was ${state ?? unnamed}`
    : `The cancel is not done: ${conclusions[detail['conclusion'] ?? ''] ?? told(detail['outcome'])}`;
}

/** The words for a code, or the code itself where newer code has one that is new to us. */
const wordIn = (words: Readonly<Record<string, string>>, code: string | undefined): string =>
  words[code ?? ''] ?? `answered: ${told(code)}`;

const told = (detail: string | undefined): string => detail ?? 'unknown';
