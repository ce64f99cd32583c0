import { isOpen } from '../../../functions/domain/payment-request-state.ts';
import { type Action as Step, type State, transitionOf } from '../../klarna-simulator/state-machine.ts';
import type { AtKlarna } from './at-klarna.ts';
import type { Action, Call, ClientCall } from './call.ts';
import { type PaymentRequestRecord, recordPath, stateOf, stateWord } from './record.ts';
import { createAtKlarna, registration } from './session-calls.ts';
import type { Account } from './status.ts';

/** Buttons of one kind. */
export interface ActionGroup {
  readonly legend: string;
  readonly actions: readonly Action[];
}

/** What the actions on a Payment Request depend on. */
export interface Situation {
  readonly record: PaymentRequestRecord;
  /** `undefined` where Klarna is not the simulator; `null` where the simulator does not have the request. */
  readonly atKlarna: AtKlarna | null | undefined;
  readonly account: Account;
  /** The system's time, in milliseconds since 1970. */
  readonly now: number;
  /** The id of another attempt. */
  readonly newId: string;
  /** Whether the page shows a deployed stack: it creates no requests, and its time cannot be moved. */
  readonly isDeployed?: boolean;
}

const hourMillis = 3_600_000;

/** Everything that a reader can do with a Payment Request, with the reason where it is not possible now. */
export const actionsOn = (situation: Situation): readonly ActionGroup[] => [
  {
    legend: 'Shop',
    actions: shopActions(situation).filter(({ text }) => !situation.isDeployed || text !== 'New attempt'),
  },
  ...(situation.atKlarna === undefined ? [] : klarnaActions(situation.record, situation.atKlarna)),
  ...(situation.isDeployed ? [] : [{ legend: 'Time', actions: timeActions(situation) }]),
];

function shopActions({ record, atKlarna, account, newId }: Situation): readonly Action[] {
  const id = record.payment_request_id;
  const path = recordPath(record);
  const call = (method: Call['method'], url: string, client: Omit<ClientCall, 'account'>): Call => ({
    ...{ method, path: url },
    client: { account: record.account, ...client },
  });
  // A paid request stays: the account's settings may allow its cancel, and a refusal is worth seeing.
  const ended = record.final ? 'The Payment Request has ended.' : undefined;
  const session = record.session_id;
  const noSession = session === null ? 'This Payment Request was registered without a session.' : undefined;
  return [
    {
      text: 'Cancel',
      calls: [call('DELETE', path, { method: 'cancel', with: [id] })],
      obstacle: ended,
      ends: true,
    },
    {
      text: 'Dry run',
      calls: [call('DELETE', `${path}?dry_run=true`, { method: 'cancel', with: [id, { dry_run: true }] })],
      obstacle: ended,
    },
    {
      text: 'Report as authorized',
      calls: [call('POST', `${path}/authorized`, { method: 'reportAuthorization', with: [id] })],
      obstacle: ended,
    },
    extension('Add 30 seconds', record, 30_000),
    extension('Add 5 minutes', record, 300_000),
    {
      text: 'Read from Klarna',
      calls: [call('GET', `${path}?refresh=true`, { method: 'get', with: [id, { refresh: true }] })],
    },
    {
      text: 'New attempt',
      calls:
        session === null
          ? []
          : [createAtKlarna(account, newId), registration(account, newId, attemptOf(record, session))],
      obstacle: atKlarna === undefined ? 'Only the simulator can create a Payment Request here.' : noSession,
    },
    {
      text: 'Cancel the whole session',
      calls:
        session === null
          ? []
          : [call('DELETE', sessionPath(record, session), { method: 'cancelSession', with: [session] })],
      obstacle: noSession,
    },
  ];
}

const sessionPath = ({ account }: PaymentRequestRecord, session: string): string =>
  `/api/accounts/${encodeURIComponent(account)}/sessions/${encodeURIComponent(session)}`;

/** The fields of another payment attempt in the session of a record. */
const attemptOf = ({ reference, on_timeout }: PaymentRequestRecord, session_id: string) => ({
  session_timeout: 'PT2M',
  on_timeout: on_timeout ?? 'cancel',
  reference: reference ?? session_id,
  session_id,
});

function extension(text: string, record: PaymentRequestRecord, millis: number): Action {
  const { account, payment_request_id: id, deadline_at: deadline } = record;
  if (deadline === null) return { text, calls: [], obstacle: noDeadline };
  const body = { deadline_at: new Date(Date.parse(deadline) + millis).toISOString() };
  const client: ClientCall = { account, method: 'extend', with: [id, body] };
  return {
    text,
    calls: [{ method: 'PATCH', path: recordPath(record), body, client }],
    obstacle: isOpen(stateOf(record)) ? undefined : 'The Payment Request is paid or has ended.',
  };
}

const noDeadline = 'This Payment Request does not have a deadline.';

const customerSteps = [
  ['start', 'Open Klarna'],
  ['approve', 'Approve'],
  ['decline', 'Decline'],
  ['step-back', 'Step back'],
  ['abandon', 'Close the window'],
] as const;

const klarnaSteps = [
  ['authorize', 'Authorize'],
  ['expire', 'Expire'],
  ['delete', 'Delete'],
] as const;

function klarnaActions(record: PaymentRequestRecord, atKlarna: AtKlarna | null): readonly ActionGroup[] {
  const path = `/klarna/payment-requests/${encodeURIComponent(record.payment_request_id)}`;
  const action = ([step, text]: readonly [SimulatedStep, string]): Action => ({
    text,
    calls: [{ method: 'POST', path: `${path}/${step}` }],
    obstacle: obstacleTo(step, atKlarna),
  });
  return [
    { legend: 'Customer', actions: customerSteps.map(action) },
    { legend: 'Klarna', actions: klarnaSteps.map(action) },
  ];
}

type SimulatedStep = (typeof customerSteps | typeof klarnaSteps)[number][0];

function obstacleTo(step: SimulatedStep, atKlarna: AtKlarna | null): string | undefined {
  if (atKlarna === null) return 'The simulator does not have this Payment Request.';
  const { state, deleted_at } = atKlarna.payment_request;
  if (deleted_at !== undefined) return 'Klarna has deleted this Payment Request.';
  if (step === 'delete') return undefined;
  if (step === 'authorize' && state === 'COMPLETED') return undefined;
  return allows(state as State, step) ? undefined : `Klarna does not allow this: it is ${stateWord(state)}.`;
}

function allows(state: State, step: Exclude<SimulatedStep, 'delete'>): boolean {
  if (step === 'authorize') return false;
  if (step === 'abandon') return isOpen(state);
  // The simulator opens Klarna's window first where the customer decides at once.
  const from = state === 'SUBMITTED' && (step === 'approve' || step === 'decline') ? 'IN_PROGRESS' : state;
  return transitionOf(from, step satisfies Step, { completedCanBeCanceled: false }) !== undefined;
}

function timeActions({ record: { deadline_at: deadline }, now }: Situation): readonly Action[] {
  const skip = (text: string, advanceMs: number): Action => ({
    text,
    calls: [{ method: 'POST', path: '/control/clock', body: { advanceMs } }],
  });
  const toDeadline = 'Skip to the deadline';
  const left = deadline === null ? 0 : Math.ceil(Date.parse(deadline) - now);
  return [
    left > 0
      ? skip(toDeadline, left)
      : {
          text: toDeadline,
          calls: [],
          obstacle: deadline === null ? noDeadline : 'The deadline has passed.',
        },
    skip('Skip an hour ahead', hourMillis),
  ];
}
