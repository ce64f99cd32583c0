import type { CancelOutcomeWord } from '../domain/cancel-job.ts';
import type { SessionCancelOutcome } from './cancel-session.ts';

/** An outcome of a cancel among many, as one word. `untried` asks for the call to be repeated, which is safe. */
export const cancelOutcomeWord = ({ kind }: Pick<SessionCancelOutcome, 'kind'>): CancelOutcomeWord =>
  words[kind];

const words = {
  canceled: 'canceled',
  'already-canceled': 'already_canceled',
  'already-final': 'already_final',
  'would-cancel': 'would_cancel',
  pending: 'pending',
  graced: 'pending',
  'not-found': 'not_found',
  denied: 'klarna_denied',
  untried: 'untried',
} as const satisfies Record<SessionCancelOutcome['kind'], CancelOutcomeWord>;
