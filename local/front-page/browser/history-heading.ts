/** What an entry of a history says of itself, as the API shows it. */
export interface EntryWords {
  readonly kind: string;
  readonly effect: string;
  readonly state: string | null;
  readonly evidence: Readonly<Record<string, string>>;
}

/** How each kind of entry begins its sentence where nothing was refused. */
const subjects: Readonly<Record<string, string>> = {
  webhook: 'A webhook of Klarna’s',
  read: 'A look at Klarna',
  cancel: 'Klarna’s answer to our cancel',
  not_found: 'Klarna knows it no longer',
  register: 'The shop registered the session',
  extend: 'The shop moved the deadline',
  klarna_expiry: 'Klarna’s own expiry was set',
  timer: 'The session’s time was up',
  sweep: 'The sweep looked at it',
};

const refusals: Readonly<Record<string, string>> = {
  register: 'The shop could not register the session',
  extend: 'The shop could not move the deadline',
  klarna_expiry: 'Klarna did not take the expiry',
};

/** The heading of an entry, in a few words: what happened, and whether it came to anything. */
export function headingOf(entry: EntryWords): string {
  const { state } = entry;
  return state === null ? subjectOf(entry) : `${subjectOf(entry)}: ${state}`;
}

function subjectOf({ kind, effect, state, evidence }: EntryWords): string {
  if (kind === 'cancel_request') {
    return evidence['requested_by'] === undefined ? endWords(effect, evidence) : askWords(effect, evidence);
  }
  if (kind === 'klarna_expiry' && effect === 'noted') return 'Klarna gave no answer to the expiry';
  if (kind === 'timer' && evidence['outcome'] === 'not_yet') return 'The session’s timer was early';
  if (state === null && kind === 'read') return 'Klarna did not say what it is';
  if (state === null && kind === 'cancel') return 'Klarna did not say it is canceled';
  return (effect === 'refused' ? refusals[kind] : undefined) ?? subjects[kind] ?? kind;
}

/** Who wants a cancel says so in an entry of its own. */
function askWords(effect: string, evidence: EntryWords['evidence']): string {
  const asked =
    evidence['cause'] === 'timeout'
      ? 'The session’s time was up: a cancel was asked for'
      : 'A cancel was asked for';
  if (evidence['carried_on_by'] !== undefined) return 'The cancel is carried on';
  if (effect === 'refused') return `${asked} and refused`;
  return effect === 'noted'
    ? `${asked}, ${notBegun[evidence['outcome'] ?? ''] ?? 'and was not needed'}`
    : asked;
}

/** Why a cancel that was asked for was not begun, where the request was not over. */
const notBegun: Readonly<Record<string, string>> = {
  pending: 'while one was on its way',
  not_over: 'and there is more time',
  spared: 'which spares it',
};

/** What came of a cancel that did not end in CANCELED. */
function endWords(effect: string, evidence: EntryWords['evidence']): string {
  if (effect === 'refused') return 'The cancel came to nothing';
  return evidence['conclusion'] === 'grace' ? 'The customer was given time' : 'The cancel is not done yet';
}
