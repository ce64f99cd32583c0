import { type PaymentRequestState, parseState } from '../../../functions/domain/payment-request-state.ts';
import { type SessionStatus, sessionStatusOf } from '../../../functions/domain/session-status.ts';

/** A record as the API shows it, with the fields that the page uses. */
export interface PaymentRequestRecord {
  readonly account: string;
  readonly payment_request_id: string;
  readonly session_id: string | null;
  readonly reference: string | null;
  readonly recovered_from: string | null;
  readonly state: string | null;
  readonly state_reason: string | null;
  readonly final: boolean;
  readonly evidence: { readonly source: string } | null;
  readonly deadline_at: string | null;
  readonly timer: string;
  readonly on_timeout: string | null;
  readonly extensions: number;
  readonly cancellation: { readonly outcome: string; readonly cause: string } | null;
  readonly confirmation: string | null;
  readonly confirm_by: string | null;
  readonly klarna_expires_at: string | null;
  readonly attention: string | null;
  readonly version: number;
  readonly created_at: string;
}

/** A checkout session with its Payment Requests, newest first. A request without a session is a session of its own. */
export interface Session {
  readonly key: string;
  readonly title: string;
  readonly sessionId: string | null;
  readonly status: SessionStatus;
  readonly requests: readonly PaymentRequestRecord[];
}

/** The sessions of the records, in the order of the records. */
export function sessionsOf(records: readonly PaymentRequestRecord[]): readonly Session[] {
  const groups = Map.groupBy(records, (record) =>
    record.session_id === null ? `request ${record.payment_request_id}` : `session ${record.session_id}`,
  );
  return [...groups].map(([key, requests]) => ({
    key,
    title: titleOf(requests[0]),
    sessionId: requests[0]?.session_id ?? null,
    status: sessionStatusOf(
      requests.map((record) => ({ state: stateOf(record), isLapsed: record.confirmation === 'lapsed' })),
    ),
    requests,
  }));
}

/** The title of a session: its reference, else its id. */
export const titleOf = (record: PaymentRequestRecord | undefined): string =>
  record?.reference ?? record?.session_id ?? shortId(record?.payment_request_id ?? '');

/** The end of an id, enough to tell one from another on a page. */
export const shortId = (id: string): string => `…${id.slice(-8)}`;

/** Klarna's state in a record; `undefined` for a state that is new to this version. */
export const stateOf = ({ state }: PaymentRequestRecord): PaymentRequestState | undefined =>
  state === null ? undefined : parseState(state);

const stateWords: Readonly<Record<PaymentRequestState, string>> = {
  SUBMITTED: 'submitted',
  IN_PROGRESS: 'in progress',
  COMPLETED: 'paid',
  CANCELED: 'canceled',
  EXPIRED: 'expired',
  DECLINED: 'declined',
};

/** Klarna's state in a word or two. */
export function stateWord(state: string | null): string {
  if (state === null) return 'not seen yet';
  const known = parseState(state);
  return known ? stateWords[known] : state;
}

/** The path of a record, below the page's own address. */
export const recordPath = ({
  account,
  payment_request_id,
}: Pick<PaymentRequestRecord, 'account' | 'payment_request_id'>): string =>
  `/api/accounts/${encodeURIComponent(account)}/payment-requests/${encodeURIComponent(payment_request_id)}`;
