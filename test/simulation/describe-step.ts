/** Short texts for the lines of a history: times, requests, records and results. */
import type { PaymentRequestKey } from '../../functions/domain/identifiers.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { hour } from '../support/sessions.ts';
import type { Ending } from './engine.ts';

/** A time of day, with the day if it is not the first. */
export function clockOf(millis: number): string {
  const day = Math.floor((millis - Date.parse('2026-03-01T00:00:00Z')) / (24 * hour));
  return `${day > 0 ? `+${day}d ` : ''}${new Date(millis).toISOString().slice(11, 23)}`;
}

export const shortOf = ({ account, paymentRequestId }: PaymentRequestKey): string =>
  `${account}/${paymentRequestId.slice(-2)}`;

export function wordsOf(record: PaymentRequest | undefined): string {
  if (!record) return 'nothing';
  const { version, state, timer, cancellation, attention, dueAt } = record;
  return [
    `v${version}`,
    state ?? '?',
    `timer ${timer}`,
    cancellation && `cancel ${cancellation.outcome}`,
    attention,
    dueAt && `due ${dueAt.slice(11, 19)}`,
  ]
    .filter(Boolean)
    .join(', ');
}

export function wordsOfEnding(ending: Ending<unknown>): string {
  switch (ending.kind) {
    case 'returned':
      return `returned ${resultOf(ending.result)}`;
    case 'threw':
      return `threw ${String(ending.error)}`;
    case 'died':
      return 'died';
  }
}

/** The outcome of a use case in one word: its own, or that of the cancel inside it. */
function resultOf(result: unknown): string {
  if (typeof result === 'string') return result;
  const { cancel, outcome, kind } = (result ?? {}) as Readonly<Record<string, unknown>>;
  const inner = cancel ?? outcome;
  return inner === undefined ? (typeof kind === 'string' ? kind : '') : resultOf(inner);
}
