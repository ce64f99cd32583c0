/** Why a Payment Request is as it is, in sentences for the operator. */
import type { Attention, HistoryEntry, PaymentRequestRecord } from '../client/responses.ts';
import { formatDuration } from '../functions/domain/duration.ts';
import { nameOf } from './request-name.ts';

/** The explanation of each reason for attention, and what to do. */
export const attentionExplanations: Readonly<Record<Attention, string>> = {
  contradiction:
    'Klarna reported a second final state, or a payment after the end. The first end stays. Ask Klarna which is true, with the ids below.',
  canceled_after_completed:
    'The customer approved just before our cancel took effect. Tell the customer that nothing was bought.',
  paid_twice:
    'The customer approved two Payment Requests of one session. Authorize only one of them at Klarna.',
  not_authorized:
    'The customer approved, and no report says that the shop authorized the payment. Authorize it at Klarna before confirm_by, then report it. After that it is void: tell the customer.',
  not_found:
    'Klarna returned 404 before the expiry. Check the id and the account; the sweep continues to ask.',
  klarna_denied:
    "Klarna refuses the account's credentials. Correct them with `lapse doctor`; the sweep continues.",
  unknown_state: 'Klarna returned a state that is new to this version. A newer version accepts it.',
};

/** A line for an entry of the history, with the ids by which Klarna's support finds the call. */
export const lineOf = (entry: HistoryEntry): string =>
  `  ${entry.recorded_at}  ${entry.explanation}${idsOf(entry)}`;

/** The ids in an entry's evidence that Klarna can look up. */
function idsOf({ event_id, kind, evidence }: HistoryEntry): string {
  const ids = [
    ...(kind === 'webhook' ? [['event', event_id]] : []),
    ['correlation id', evidence['correlation_id']],
    ['error', evidence['error_id']],
  ].flatMap(([what, id]) => (id === undefined ? [] : [`${what ?? ''} ${id}`]));
  return ids.length === 0 ? '' : ` (${ids.join(', ')})`;
}

/**
 * The state of a request and where it is known from, its deadline and timer, a cancel, and what needs a person.
 *
 * @param now milliseconds since 1970
 */
export function explainRecord(record: PaymentRequestRecord, now: number): readonly string[] {
  const lines = [
    stateLine(record),
    belongingLine(record),
    deadlineLine(record, now),
    cancellationLine(record),
    record.klarna_expires_at !== null && !record.final
      ? `Klarna itself ends it at ${momentOf(record.klarna_expires_at, now)}.`
      : undefined,
    record.attention === null
      ? undefined
      : `It needs a person (${record.attention}). ${attentionExplanations[record.attention]}`,
  ];
  return lines.filter((line) => line !== undefined);
}

const sources = {
  webhook: "by Klarna's webhook",
  read: 'by a read at Klarna',
  cancel: "by Klarna's response to the cancel",
  not_found: 'because Klarna no longer has it after its expiry',
} as const;

function stateLine(record: PaymentRequestRecord): string {
  const { state, occurred_at, evidence, final } = record;
  if (state === null || !evidence)
    return `${nameOf(record)}: Klarna has not reported a state yet. It counts as open.`;
  const since = occurred_at === null ? '' : ` since ${occurred_at}`;
  const meaning = final
    ? 'That is final.'
    : state === 'COMPLETED'
      ? 'The customer has approved, so Lapse does not cancel it.'
      : 'The customer can still pay.';
  return `${nameOf(record)}: ${state}${since}, known ${sources[evidence.source]}. ${meaning}`;
}

function belongingLine({ session_id, reference }: PaymentRequestRecord): string | undefined {
  const parts = [
    ...(session_id === null ? [] : [`session ${session_id}`]),
    ...(reference === null ? [] : [`reference ${reference}`]),
  ];
  return parts.length === 0 ? undefined : `It belongs to ${parts.join(', ')}.`;
}

const timers = {
  none: 'It has no timer.',
  pending: 'Its timer could not be set. The sweep sets it within two minutes.',
  armed: 'Its timer is set.',
  sweep: 'The sweep ends it at that time.',
  fired: 'Its timer has fired.',
  removed: 'It ended before that, so the timer ends nothing.',
} as const;

function deadlineLine(
  { deadline_at, timer, on_timeout, extensions }: PaymentRequestRecord,
  now: number,
): string {
  if (deadline_at === null) return 'It has no deadline: only a cancel or Klarna ends it.';
  const moved =
    extensions === 0 ? '' : ` It was moved to a later time ${extensions} time${extensions === 1 ? '' : 's'}.`;
  const observed =
    on_timeout === 'observe'
      ? ' At the deadline Lapse only records what it would have canceled (on_timeout: observe).'
      : '';
  return `Its deadline is ${momentOf(deadline_at, now)}. ${timers[timer]}${moved}${observed}`;
}

const outcomes = {
  claimed: 'It is running now.',
  pending: 'Its result is not known yet. The sweep settles it.',
  canceled: 'It ended the request.',
  already_canceled: 'The request was canceled before.',
  refused: 'The request was paid or had ended, so it was left as it was.',
  not_found: 'Klarna does not know the request.',
} as const;

function cancellationLine({ cancellation }: PaymentRequestRecord): string | undefined {
  if (!cancellation) return undefined;
  const { cause, requested_by, requested_at, reason, outcome } = cancellation;
  const who = cause === 'timeout' ? 'The timeout canceled it' : `${requested_by} asked for a cancel`;
  return `${who} at ${requested_at}${reason === null ? '' : ` (${reason})`}. ${outcomes[outcome]}`;
}

/** A time, and how far it is away. */
function momentOf(time: string, now: number): string {
  const seconds = Math.round((Date.parse(time) - now) / 1_000);
  const distance = formatDuration(Math.abs(seconds) * 1_000);
  return `${time} (${seconds >= 0 ? `in ${distance}` : `${distance} ago`})`;
}
