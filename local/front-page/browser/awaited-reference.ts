import { shortId } from './record.ts';
import { timeText } from './time-text.ts';

/** A reference that waits, or waited, for its first Payment Request, as the API shows it. */
export interface AwaitedReference {
  readonly reference: string;
  readonly status: string;
  readonly payment_request_id: string | null;
  readonly session_id: string | null;
  readonly deadline_at: string | null;
  readonly on_timeout: string | null;
  readonly cancellation: { readonly reason: string | null; readonly requested_by: string } | null;
  readonly until: string;
}

/** Where the reference stands, in a word or two. */
export const awaitedWord = ({ status }: AwaitedReference): string => status.replaceAll('_', ' ');

/** What waits, and until when. */
export function awaitedFacts(awaited: AwaitedReference): string {
  const { status, payment_request_id, deadline_at, on_timeout, session_id, until } = awaited;
  return [
    ...(status === 'waiting' ? [`Waits for its Payment Request until ${timeText(until)}`] : []),
    ...(status === 'never_seen' ? [`No Payment Request until ${timeText(until)}`] : []),
    ...(payment_request_id === null ? [] : [`Joined by ${shortId(payment_request_id)}`]),
    ...(session_id === null ? [] : [`session ${session_id}`]),
    ...(deadline_at === null ? [] : [`deadline ${timeText(deadline_at)}`]),
    ...(on_timeout === 'observe' ? ['observed only'] : []),
  ].join(' · ');
}

/** The cancel that is kept for the request; empty where there is none. */
export function keptCancelText({ status, cancellation }: AwaitedReference): string {
  if (cancellation === null) return '';
  const { requested_by: by, reason } = cancellation;
  const kept = status === 'waiting' ? 'A cancel waits for the request' : 'A cancel waited for the request';
  return `${kept}: ${reason === null ? '' : `${reason}, `}requested by ${by}`;
}
