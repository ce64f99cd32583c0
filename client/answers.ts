/** What the API takes and answers, as docs/api.yaml has it; a test compares the two. Times are RFC 3339, durations ISO 8601. */

export const states = ['SUBMITTED', 'IN_PROGRESS', 'COMPLETED', 'CANCELED', 'EXPIRED', 'DECLINED'] as const;
export type State = (typeof states)[number];

export const attentions = [
  'contradiction',
  'canceled_after_completed',
  'not_found',
  'klarna_denied',
  'unknown_state',
] as const;
export type Attention = (typeof attentions)[number];

export const timers = ['none', 'pending', 'armed', 'sweep', 'fired', 'removed'] as const;

export const memberOutcomes = [
  'canceled',
  'already_canceled',
  'already_final',
  'would_cancel',
  'pending',
  'not_found',
  'klarna_denied',
  'untried',
] as const;
export type MemberOutcomeWord = (typeof memberOutcomes)[number];

export const sessionStatuses = ['open', 'paid', 'ended'] as const;
export const jobStatuses = ['running', 'done', 'stopped'] as const;

/** What is known of one Payment Request. */
export interface PaymentRequestRecord {
  readonly account: string;
  readonly payment_request_id: string;
  readonly session_id: string | null;
  readonly reference: string | null;
  /** Klarna's state; `null` until Klarna was heard. */
  readonly state: State | null;
  readonly previous_state: State | null;
  readonly state_reason: string | null;
  /** Nothing can follow. COMPLETED is not final, for it can still be declined. */
  readonly final: boolean;
  readonly occurred_at: string | null;
  readonly evidence: {
    readonly source: 'webhook' | 'read' | 'cancel' | 'not_found';
    readonly event_id: string;
    readonly observed_at: string;
  } | null;
  readonly deadline_at: string | null;
  readonly timer: (typeof timers)[number];
  readonly on_timeout: 'cancel' | 'observe' | null;
  readonly extensions: number;
  readonly cancellation: {
    readonly outcome: 'claimed' | 'pending' | 'canceled' | 'already_canceled' | 'refused' | 'not_found';
    readonly cause: 'api' | 'timeout';
    readonly reason: string | null;
    readonly requested_by: string;
    readonly requested_at: string;
  } | null;
  readonly klarna_expires_at: string | null;
  /** Why a person should look. */
  readonly attention: Attention | null;
  readonly version: number;
  readonly created_at: string;
  readonly updated_at: string;
}

/** When a session ends: a duration from now, which counts anew with every call, or a time. */
export type Deadline = { readonly session_timeout: string } | { readonly deadline_at: string };

/** What a session is registered with. Without a deadline the account's default is taken. */
export interface Registration {
  /** At most one of the two. */
  readonly session_timeout?: string;
  readonly deadline_at?: string;
  readonly session_id?: string;
  readonly reference?: string;
  readonly klarna_expires_at?: string;
  readonly on_timeout?: 'cancel' | 'observe';
  readonly in_progress_grace?: string;
}

/** A record that was asked for. */
export interface ReadRecord extends PaymentRequestRecord {
  /** With `refresh` only: Klarna was heard, does not know the request, refuses our credentials, or gave no answer. */
  readonly refresh?: (typeof refreshes)[number];
}

export const refreshes = ['refreshed', 'not_found', 'klarna_denied', 'unknown'] as const;

export interface History {
  readonly account: string;
  readonly payment_request_id: string;
  /** Oldest first. */
  readonly entries: readonly HistoryEntry[];
  readonly dropped: number;
}

export interface HistoryEntry {
  readonly event_id: string;
  readonly kind: string;
  readonly recorded_at: string;
  readonly effect: string;
  readonly explanation: string;
  readonly state: State | null;
  readonly occurred_at: string | null;
  readonly attention: Attention | null;
  readonly evidence: Readonly<Record<string, string>>;
}

export interface Session {
  readonly account: string;
  readonly session_id: string;
  /** `paid`: one of its requests is. `open`: one may still be paid. `ended`: neither. */
  readonly status: (typeof sessionStatuses)[number];
  readonly payment_requests: readonly PaymentRequestRecord[];
}

/** What became of one Payment Request among many. `untried`: a fault, or no time left; repeating the call is safe. */
export interface MemberOutcome {
  readonly payment_request_id: string;
  readonly outcome: MemberOutcomeWord;
  readonly state: State | null;
}

export interface SessionOutcome extends Omit<Session, 'payment_requests'> {
  readonly payment_requests: readonly MemberOutcome[];
}

export interface ListFilter {
  readonly state?: State;
  readonly open?: boolean;
  readonly due_before?: string;
  readonly attention?: Attention;
}

/** What a job cancels: exactly one of the three. It is a rehearsal unless `dry_run` is false. */
export type CancelJobRequest = (
  | { readonly payment_request_ids: readonly string[] }
  | { readonly session_id: string }
  | { readonly created_before: string }
) & { readonly reason?: string; readonly dry_run?: boolean };

export interface CancelJob {
  readonly account: string;
  readonly job_id: string;
  readonly status: (typeof jobStatuses)[number];
  readonly dry_run: boolean;
  readonly selected: {
    readonly by: 'payment_request_ids' | 'session_id' | 'created_before';
    readonly session_id: string | null;
    readonly created_before: string | null;
  };
  readonly total: number | null;
  readonly done: number;
  readonly outcomes: Readonly<Record<MemberOutcomeWord, number>>;
  readonly reason: string | null;
  readonly requested_by: string;
  readonly attempts: number;
  readonly due_at: string | null;
  readonly created_at: string;
  readonly updated_at: string;
}
