/** An entry of a history, as far as its heading needs it. */
export interface EntryWords {
  readonly kind: string;
  readonly effect: string;
  readonly state: string | null;
  readonly evidence: Readonly<Record<string, string>>;
}

/** The heading of each kind of entry that was not refused. */
const subjects: Readonly<Record<string, string>> = {
  webhook: 'Webhook from Klarna',
  read: 'Read from Klarna',
  cancel: 'Klarna’s response to our cancel',
  not_found: 'Not found at Klarna',
  register: 'Session registered',
  extend: 'Deadline moved',
  klarna_expiry: 'Klarna expiry set',
  timer: 'Session timed out',
  sweep: 'Sweep ran',
  resolve: 'Attention resolved',
};

const refusals: Readonly<Record<string, string>> = {
  register: 'Registration refused',
  extend: 'Change of the deadline refused',
  klarna_expiry: 'Klarna refused the expiry',
};

/** The heading of an entry in a few words: what happened, and with which result. */
export function headingOf(entry: EntryWords): string {
  const { state } = entry;
  return state === null ? subjectOf(entry) : `${subjectOf(entry)}: ${state}`;
}

function subjectOf({ kind, effect, state, evidence }: EntryWords): string {
  if (kind === 'cancel_request') {
    return evidence['requested_by'] === undefined ? endWords(effect, evidence) : askWords(effect, evidence);
  }
  if (kind === 'klarna_expiry' && effect === 'noted') return 'No response from Klarna to the expiry';
  if (kind === 'timer' && evidence['outcome'] === 'not_yet') return 'Timer fired too early';
  if (state === null && kind === 'read') return 'Klarna returned no state';
  if (state === null && kind === 'cancel') return 'Klarna did not confirm the cancel';
  return (effect === 'refused' ? refusals[kind] : undefined) ?? subjects[kind] ?? kind;
}

/** An entry with `requested_by` is a requested cancel; one without is its end. */
function askWords(effect: string, evidence: EntryWords['evidence']): string {
  const asked = evidence['cause'] === 'timeout' ? 'Session timed out, cancel requested' : 'Cancel requested';
  if (evidence['carried_on_by'] !== undefined) return 'Cancel resumed';
  if (effect === 'refused') return `${asked}: refused`;
  return effect === 'noted' ? `${asked}: ${notBegun[evidence['outcome'] ?? ''] ?? 'not needed'}` : asked;
}

/** Why a requested cancel was not started although the request was not final. */
const notBegun: Readonly<Record<string, string>> = {
  pending: 'another cancel was already running',
  not_over: 'the deadline was moved',
  spared: 'not allowed for a paid request',
};

/** The end of a cancel that did not result in CANCELED. */
function endWords(effect: string, evidence: EntryWords['evidence']): string {
  if (effect === 'refused') return 'Cancel ended without effect';
  return evidence['conclusion'] === 'grace' ? 'Customer got more time' : 'Cancel not finished yet';
}
