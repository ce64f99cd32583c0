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
  absence: 'Klarna knows it no longer',
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

function subjectOf({ kind, effect, evidence }: EntryWords): string {
  if (kind === 'cancel_request') {
    return evidence['requested_by'] === undefined ? endWords(effect, evidence) : askWords(effect, evidence);
  }
  if (kind === 'klarna_expiry' && effect === 'noted') return 'Klarna gave no answer to the expiry';
  return (effect === 'refused' ? refusals[kind] : undefined) ?? subjects[kind] ?? kind;
}

/** Who wants a cancel says so in an entry of its own. */
function askWords(effect: string, evidence: EntryWords['evidence']): string {
  const asked =
    evidence['cause'] === 'timeout'
      ? 'The session’s time was up: a cancel was asked for'
      : 'A cancel was asked for';
  if (effect === 'refused') return `${asked} and refused`;
  return effect === 'noted' ? `${asked}, and was not needed` : asked;
}

/** What came of a cancel that did not end in CANCELED. */
function endWords(effect: string, evidence: EntryWords['evidence']): string {
  if (effect === 'refused') return 'The cancel came to nothing';
  return evidence['conclusion'] === 'grace' ? 'The customer was given time' : 'The cancel is not done yet';
}
