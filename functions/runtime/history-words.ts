import { formatInstant, type Instant } from '../domain/instant.ts';
import type { HistoryEntry } from '../domain/payment-request.ts';

/** What an entry of the history says happened, and what it changed or why it changed nothing: one sentence for a person. */
export function explanationOf(entry: HistoryEntry): string {
  const { kind, detail, state = 'a state that is new to us' } = entry;
  switch (kind) {
    case 'webhook':
      return `Klarna's webhook says ${state}, which ${effectOf(entry)}`;
    case 'read':
      return `Klarna was asked and says ${state}, which ${effectOf(entry)}`;
    case 'cancel':
      return `Klarna answered our cancel with ${state}, which ${effectOf(entry)}`;
    case 'absence':
      return `Klarna does not know the request any more, which after its expiry means ${state}, which ${effectOf(entry)}`;
    case 'register':
    case 'extend':
      return sessionWords(entry);
    case 'klarna_expiry':
      return `Klarna was asked to let the request expire at ${told(detail['expires_at'])} itself: ${told(detail['outcome'])}`;
    case 'cancel_request':
      return detail['requested_by'] === undefined ? settlementWords(entry) : commandWords(entry);
    case 'timer':
      return detail['outcome'] === 'would_cancel'
        ? 'The session is over: it would have been canceled, but is only observed'
        : `The session is over: nothing was canceled, for the request was ${state}`;
    case 'sweep':
      return `Klarna was asked about the ${told(detail['looked_into'])} that ${told(detail['raised_by'])} had raised, and answered: ${told(detail['answer'])}`;
  }
}

/** What an observation changed, or which other it lost against. */
function effectOf({ effect, against, attention }: HistoryEntry): string {
  // An event id may hold the separator itself.
  const [, metAt = '', ...metBy] = against?.split('|') ?? [];
  const met = against
    ? `what ${metBy.join('|')} said of ${formatInstant(metAt as Instant)}`
    : 'what was known';
  switch (effect) {
    case 'applied':
      return attention === 'canceled_after_completed'
        ? 'became the state of the record although the customer had approved, and a person must look'
        : 'became the state of the record';
    case 'stale':
      return `changed nothing: ${met} counts for more`;
    case 'confirming':
      return `changed nothing: it says the same as ${met}`;
    case 'contradicting':
      return `changed no state: it contradicts ${met}, and a person must look`;
    case 'accepted':
    case 'refused':
    case 'noted':
      return `was ${effect}`;
  }
}

function sessionWords({ kind, effect, detail }: HistoryEntry): string {
  const who = told(detail['requested_by']);
  const deed = kind === 'register' ? 'register the session' : "move the session's deadline";
  if (effect === 'refused') return `${who} asked to ${deed}, which was refused: ${told(detail['refused'])}`;
  const done = kind === 'register' ? 'registered the session, due' : "moved the session's deadline to";
  const observed = detail['on_timeout'] === 'observe' ? ', only to be observed' : '';
  return `${who} ${done} ${told(detail['deadline_at'])}${observed}`;
}

/** Who asked for the cancel, and whether it was begun. */
function commandWords({ effect, detail }: HistoryEntry): string {
  const why = detail['reason'] === undefined ? '' : ` (${detail['reason']})`;
  const asks =
    detail['cause'] === 'timeout'
      ? `The session's time is up, so ${told(detail['requested_by'])} asks for the cancel`
      : `${told(detail['requested_by'])} asks for the cancel${why}`;
  if (effect === 'accepted') return `${asks}: Klarna is asked for the state, and if it is open, to cancel`;
  return effect === 'refused'
    ? `${asks}, which was refused: the request was paid or had ended`
    : `${asks}, but it was canceled already`;
}

const conclusions: Readonly<Record<string, string>> = {
  unknown: 'Klarna gave no answer that says what became of it; the sweep asks again',
  absent: 'Klarna does not know the request, and its expiry has not passed',
  denied: 'Klarna refuses our credentials; the sweep tries again',
  'unknown-state': 'Klarna shows a state that is new to us; the sweep asks again',
  grace: 'the customer is in the middle of paying and was given time, once',
};

/** What came of a cancel that did not end in CANCELED. */
function settlementWords({ effect, detail }: HistoryEntry): string {
  return effect === 'refused'
    ? 'The cancel came to nothing: the request was paid or had ended'
    : `The cancel is not done: ${conclusions[detail['conclusion'] ?? ''] ?? told(detail['outcome'])}`;
}

const told = (detail: string | undefined): string => detail ?? 'unknown';
