import { describe, expect, it } from 'vitest';
import {
  attentions,
  type CancelJob,
  type CancelJobRequest,
  type History,
  type HistoryEntry,
  jobStatuses,
  type ListFilter,
  type MemberOutcome,
  memberOutcomes,
  type PaymentRequestRecord,
  type Registration,
  refreshes,
  type Session,
  sessionStatuses,
  states,
  timers,
} from '../../client/answers.ts';
import { apiDocument, dereferenced, operations } from '../support/api-contract.ts';
import { pointedAt, type Schema, violations } from '../support/json-schema.ts';

const schemaOf = (name: string): Schema => pointedAt(apiDocument, `#/components/schemas/${name}`);
const propertiesOf = (schema: Schema): Schema => dereferenced(schema['properties']);
const enumOf = (name: string, property?: string): readonly unknown[] => {
  const schema = property === undefined ? schemaOf(name) : propertiesOf(schemaOf(name))[property];
  return dereferenced(schema)['enum'] as readonly unknown[];
};

const time = '2026-03-01T12:00:00Z';
const id = 'krn:payment:eu1:request:552603c0-fe8b-4ab1-aacb-41d55fafbdb4';

/** One of each, with every field that its type has and, for the compiler's sake, no other. */
const record: PaymentRequestRecord = {
  account: 'shop-se',
  payment_request_id: id,
  session_id: 'cart-17',
  reference: null,
  state: 'CANCELED',
  previous_state: 'SUBMITTED',
  state_reason: null,
  final: true,
  occurred_at: time,
  evidence: { source: 'cancel', event_id: 'e1', observed_at: time },
  deadline_at: time,
  timer: 'removed',
  on_timeout: 'cancel',
  extensions: 1,
  cancellation: { outcome: 'canceled', cause: 'api', reason: null, requested_by: 'me', requested_at: time },
  klarna_expires_at: null,
  attention: 'contradiction',
  version: 3,
  created_at: time,
  updated_at: time,
};
const entry: HistoryEntry = {
  event_id: 'e1',
  kind: 'webhook',
  recorded_at: time,
  effect: 'applied',
  explanation: 'it is so',
  state: 'CANCELED',
  occurred_at: time,
  attention: null,
  evidence: { status: '200' },
};
const history: History = { account: 'shop-se', payment_request_id: id, entries: [entry], dropped: 0 };
const session: Session = {
  account: 'shop-se',
  session_id: 'cart-17',
  status: 'ended',
  payment_requests: [record],
};
const member: MemberOutcome = { payment_request_id: id, outcome: 'canceled', state: 'CANCELED' };
const job: CancelJob = {
  account: 'shop-se',
  job_id: 'j1',
  status: 'done',
  dry_run: true,
  selected: { by: 'session_id', session_id: 'cart-17', created_before: null },
  total: 1,
  done: 1,
  outcomes: {
    canceled: 0,
    already_canceled: 0,
    already_final: 0,
    would_cancel: 1,
    pending: 0,
    not_found: 0,
    klarna_denied: 0,
    untried: 0,
  },
  reason: null,
  requested_by: 'me',
  attempts: 0,
  due_at: null,
  created_at: time,
  updated_at: time,
};

describe('what the client says of an answer is what the document says', () => {
  it.each<[string, object]>([
    ['Record', record],
    ['HistoryEntry', entry],
    ['History', history],
    ['Session', session],
    ['MemberOutcome', member],
    ['CancelJob', job],
  ])('of a %s', (name, value) => {
    expect(violations(schemaOf(name), value, apiDocument)).toEqual([]);
    expect(Object.keys(value).toSorted()).toEqual([...(schemaOf(name)['required'] as string[])].toSorted());
    expect(Object.keys(value).toSorted()).toEqual(Object.keys(propertiesOf(schemaOf(name))).toSorted());
  });

  it('in what is inside a record', () => {
    for (const part of ['evidence', 'cancellation'] as const) {
      const [, inside] = dereferenced(propertiesOf(schemaOf('Record'))[part])['oneOf'] as [unknown, Schema];
      expect(Object.keys(record[part] ?? {})).toEqual(dereferenced(inside)['required']);
    }
  });

  it.each<[string, readonly unknown[], readonly unknown[]]>([
    ['states', [...states, null], enumOf('State')],
    ['reasons to look', [...attentions, null], enumOf('Attention')],
    ['timers', timers, enumOf('Record', 'timer')],
    ['outcomes among many', memberOutcomes, enumOf('MemberOutcome', 'outcome')],
    ['what a refresh came to', refreshes, enumOf('RefreshedRecord', 'refresh')],
    ['statuses of a session', sessionStatuses, enumOf('SessionStatus')],
    ['statuses of a job', jobStatuses, enumOf('CancelJobStatus')],
  ])('in the words for %s', (_, ours, theirs) => {
    expect([...ours].toSorted()).toEqual([...theirs].toSorted());
  });
});

describe('what the client takes is what the document takes', () => {
  it('in a registration', () => {
    const all: Required<Registration> = {
      session_timeout: 'PT20M',
      deadline_at: time,
      session_id: 's',
      reference: 'r',
      klarna_expires_at: time,
      on_timeout: 'observe',
      in_progress_grace: 'PT2M',
    };
    expect(Object.keys(all)).toEqual(Object.keys(propertiesOf(schemaOf('Registration'))));
  });

  it('in a job', () => {
    const jobs: readonly CancelJobRequest[] = [
      { payment_request_ids: [id], reason: 'r', dry_run: false },
      { session_id: 's' },
      { created_before: time },
    ];
    const names = new Set(jobs.flatMap((each) => Object.keys(each)));
    expect([...names].toSorted()).toEqual(Object.keys(propertiesOf(schemaOf('CancelJobRequest'))).toSorted());
  });

  it('in a list', () => {
    const filter: Required<ListFilter> = {
      state: 'SUBMITTED',
      open: true,
      due_before: time,
      attention: 'contradiction',
    };
    const list = operations.find(({ description }) => description['operationId'] === 'listPaymentRequests');
    const names = (list?.description['parameters'] as readonly unknown[]).map(
      (each) => dereferenced(each)['name'],
    );
    expect([...Object.keys(filter), 'cursor', 'limit'].toSorted()).toEqual(names.toSorted());
  });
});
