import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import type { CancelResult } from '../../functions/application/cancel-payment-request.ts';
import type { RefreshOutcome } from '../../functions/application/refresh-payment-request.ts';
import { type CancelJobSelection, type CancelJobStatus } from '../../functions/domain/cancel-job.ts';
import { type CancelOutcome, cancelOutcomes } from '../../functions/domain/cancel-outcome.ts';
import type { Attention } from '../../functions/domain/attention.ts';
import type {
  CancellationCause,
  CancellationOutcome,
  OnTimeout,
  TimerState,
} from '../../functions/domain/payment-request.ts';
import type { HistoryEffect, HistoryEntry, HistoryKind } from '../../functions/domain/history-entry.ts';
import type { EvidenceSource } from '../../functions/domain/observation.ts';
import { paymentRequestStates } from '../../functions/domain/payment-request-state.ts';
import type { SessionStatus } from '../../functions/domain/session-status.ts';
import { applyObservation } from '../../functions/domain/transition.ts';
import type { SessionId } from '../../functions/domain/identifiers.ts';
import {
  noQuery,
  recordQuery,
  reportQuery,
  requestCancelQuery,
  sessionCancelQuery,
} from '../../functions/http/query-schemas.ts';
import { cancelResponse } from '../../functions/http/cancel-response.ts';
import { cancelJobView } from '../../functions/http/cancel-job-response.ts';
import { cancelJobBody } from '../../functions/http/cancel-job-request.ts';
import { explanationOf } from '../../functions/http/history-explanation.ts';
import { listQuery } from '../../functions/http/list-request.ts';
import { historyOf, viewOf } from '../../functions/http/payment-request-view.ts';
import { Problem, problemTypes } from '../../functions/http/problem.ts';
import {
  pageSessionResponse,
  sessionCancelResponse,
  sessionReadResponse,
} from '../../functions/http/session-response.ts';
import {
  extensionBody,
  referenceRegistrationBody,
  registrationBody,
} from '../../functions/http/registration-request.ts';
import { overviewQuery, previewQuery } from '../../functions/http/overview-routes.ts';
import { pageTokenBody } from '../../functions/http/page-routes.ts';
import { settingsBody } from '../../functions/http/settings-routes.ts';
import { pageRouteKeys, routeKeys } from '../../functions/contract/routes.ts';
import {
  apiDocument,
  contractViolations,
  dereferenced,
  openDocument,
  operations,
  preflights,
} from '../support/api-contract.ts';
import { jobWith } from '../support/cancel-jobs.ts';
import { account, key, observed } from '../support/fixtures.ts';
import { isObject, pointedAt, type Schema, violations } from '../support/json-schema.ts';
import { cancellationWith, registered } from '../support/sessions.ts';

const schemaOf = (name: string): Schema => pointedAt(apiDocument, `#/components/schemas/${name}`);
const propertyOf = (name: string, property: string): Schema =>
  dereferenced(pointedAt(schemaOf(name), '#/properties')[property]);

/** Every object of the document. */
function everyObject(value: unknown): readonly Schema[] {
  if (Array.isArray(value)) return value.flatMap(everyObject);
  return isObject(value) ? [value, ...Object.values(value).flatMap(everyObject)] : [];
}

const record = applyObservation(
  registered({ cancellation: cancellationWith({ reason: 'basket emptied' }) }),
  observed('SUBMITTED', undefined, { proof: { body_sha256: 'ab' } }),
).record;

describe('docs/api.yaml', () => {
  it('docs/api.yaml has exactly the routes that are served', () => {
    const documented = [...operations, ...preflights].map(({ route }) => route);
    expect(documented.toSorted()).toEqual([...routeKeys, ...pageRouteKeys].toSorted());
  });

  it('docs/api.yaml has no broken reference', () => {
    for (const { $ref: reference } of everyObject(apiDocument)) {
      if (typeof reference === 'string') expect(pointedAt(apiDocument, reference)).toBeDefined();
    }
  });

  it('docs/api.yaml names each operation and every parameter of its path', () => {
    const ids = operations.map(({ description }) => description['operationId']);
    expect(new Set(ids).size).toBe(operations.length);
    for (const [path, item] of Object.entries(dereferenced(apiDocument['paths']))) {
      const parameters = ((dereferenced(item)['parameters'] ?? []) as readonly unknown[]).map(dereferenced);
      const named = parameters
        .filter((each) => each['in'] === 'path')
        .map((each) => `{${String(each['name'])}}`);
      expect(path.match(/\{\w+\}/g) ?? []).toEqual(named);
    }
  });

  it('every response has an example, and each example fits its schema', () => {
    for (const { route, description } of operations) {
      for (const [status, response] of Object.entries(dereferenced(description['responses']))) {
        if (status === '304') continue;
        for (const media of Object.values(dereferenced(dereferenced(response)['content'])).map(
          dereferenced,
        )) {
          const examples = Object.values(dereferenced(media['examples'])).map(dereferenced);
          expect(examples.length, `${route} ${status}`).toBeGreaterThan(0);
          for (const { value } of examples) {
            expect(
              violations(dereferenced(media['schema']), value, apiDocument),
              `${route} ${status}`,
            ).toEqual([]);
            if (isObject(value) && 'type' in value) expect(String(value['status'])).toBe(status);
          }
        }
      }
    }
  });

  it.each([
    ['outcome', ['canceled', 'already_canceled', 'would_cancel', 'pending', ...cancelOutcomes]],
    ['refresh', ['refreshed', 'not_found', 'klarna_denied', 'unknown']],
    ['state', [...paymentRequestStates, null]],
    ['status', ['open', 'paid', 'ended', 'running', 'done', 'stopped']],
    ['by', ['payment_request_ids', 'session_id', 'reference', 'created_before']],
    ['next_cursor', [null]],
  ])('the examples show every value of %s', (field, words) => {
    const shown = everyObject(pointedAt(apiDocument, '#/components/examples')).map((each) => each[field]);
    for (const word of words) expect(shown).toContain(word);
  });

  it('every body has an example, and each example fits its schema', () => {
    const bodies = operations.filter(({ description }) => 'requestBody' in description);
    expect(bodies.map(({ route }) => route.split(' ')[0])).toEqual([
      'PUT',
      'PATCH',
      'PUT',
      'POST',
      'PUT',
      'PUT',
      'PUT',
    ]);
    for (const { description } of bodies) {
      const media = pointedAt(description, '#/requestBody/content');
      const json = dereferenced(media['application/json']);
      for (const { value } of Object.values(dereferenced(json['examples'])).map(dereferenced)) {
        expect(violations(dereferenced(json['schema']), value, apiDocument)).toEqual([]);
      }
    }
  });
});

describe('docs/api.yaml, for generators of clients', () => {
  it('each enum has a type, with null if null is a choice', () => {
    for (const { enum: choices, type } of everyObject(apiDocument)) {
      if (!Array.isArray(choices)) continue;
      expect([type].flat()).toEqual(choices.includes(null) ? ['string', 'null'] : ['string']);
    }
  });

  it('patterns mean the same in every language', () => {
    for (const { pattern } of everyObject(apiDocument)) {
      if (typeof pattern !== 'string') continue;
      // Not every language knows classes of Unicode, and some take more than ten characters for digits.
      expect(pattern).not.toMatch(/\\[pPdDwWsS]/);
      expect(() => new RegExp(pattern)).not.toThrow();
    }
  });

  it('only the bodies of requests forbid further fields', () => {
    const schemas = Object.entries(pointedAt(openDocument, '#/components/schemas'));
    const closed = schemas.flatMap(([name, schema]) =>
      dereferenced(schema)['additionalProperties'] === false ? [name] : [],
    );
    expect(closed).toEqual([
      'Registration',
      'Registrations',
      'Extension',
      'PageTokenRequest',
      'ReferenceRegistration',
      'CancelJobRequest',
      'SettingsRequest',
    ]);
  });

  it('docs/api.yaml has no allOf', () => {
    for (const each of everyObject(apiDocument)) expect(each).not.toHaveProperty('allOf');
  });
});

describe('the problem types of docs/api.yaml', () => {
  const named = Object.entries(problemTypes);

  it('docs/api.yaml has exactly the problem types of the code', () => {
    expect(propertyOf('Problem', 'type')['enum']).toEqual(
      expect.arrayContaining(named.map(([type]) => `urn:lapse:problem:${type}`)),
    );
    expect(propertyOf('Problem', 'type')['enum']).toHaveLength(named.length);
  });

  it.each(named)(
    'the problem type %s has an example with its status and title, and a response with it',
    (type, [status, title]) => {
      expect(pointedAt(apiDocument, `#/components/examples/${type}`)['value']).toMatchObject({
        type: `urn:lapse:problem:${type}`,
        status,
        title,
      });
      const shown = everyObject(apiDocument['components']).some(
        (each) => each['$ref'] === `#/components/examples/${type}`,
      );
      expect(shown).toBe(true);
    },
  );
});

describe('the fields of docs/api.yaml', () => {
  it('the fields of a record are those of the API, in the same order', () => {
    const view = viewOf(record);
    expect(Object.keys(dereferenced(schemaOf('Record')['properties']))).toEqual(Object.keys(view));
    expect(schemaOf('Record')['required']).toEqual(Object.keys(view));
    expect(violations(schemaOf('Record'), JSON.parse(JSON.stringify(view)), apiDocument)).toEqual([]);
  });

  it.each([
    ['CancelResult', 'outcome', true],
    ['RefreshedRecord', 'refresh', false],
  ])('the fields of a %s are those of a record and %s', (name, field, isRequired) => {
    const { [field]: own, ...others } = dereferenced(schemaOf(name)['properties']);
    expect(own).toBeDefined();
    expect(others).toEqual(schemaOf('Record')['properties']);
    const required = schemaOf('Record')['required'] as readonly string[];
    expect(schemaOf(name)['required']).toEqual(isRequired ? [field, ...required] : required);
  });

  it('the fields of a history are those of the API, in the same order', () => {
    const history = historyOf(record);
    expect(schemaOf('History')['required']).toEqual(Object.keys(history));
    expect(schemaOf('HistoryEntry')['required']).toEqual(Object.keys(history.entries[0] ?? {}));
    expect(violations(schemaOf('History'), JSON.parse(JSON.stringify(history)), apiDocument)).toEqual([]);
  });

  it('the fields of a body are those that the API accepts', () => {
    expect(Object.keys(dereferenced(schemaOf('Registration')['properties']))).toEqual(
      Object.keys(registrationBody.entries),
    );
    expect(Object.keys(dereferenced(schemaOf('ReferenceRegistration')['properties']))).toEqual(
      Object.keys(referenceRegistrationBody.entries),
    );
    expect(Object.keys(dereferenced(schemaOf('Extension')['properties']))).toEqual(
      Object.keys(extensionBody.entries),
    );
    expect(Object.keys(dereferenced(schemaOf('CancelJobRequest')['properties']))).toEqual(
      Object.keys(cancelJobBody.entries),
    );
    expect(Object.keys(dereferenced(schemaOf('SettingsRequest')['properties']))).toEqual(
      Object.keys(settingsBody.entries),
    );
    expect(Object.keys(dereferenced(schemaOf('PageTokenRequest')['properties']))).toEqual(
      Object.keys(pageTokenBody.entries),
    );
  });

  it('the fields of a session, read or canceled, are those of the API, in the same order', () => {
    const id = 'cart-17' as SessionId;
    const member = { ...key, outcome: 'canceled', record } as const;
    for (const [name, reply] of [
      ['Session', sessionReadResponse(account, id, [record])],
      ['PageSession', pageSessionResponse(id, [record])],
      ['SessionOutcome', sessionCancelResponse(account, id, [member])],
    ] as const) {
      const body: unknown = JSON.parse(reply.body);
      expect(Object.keys(dereferenced(schemaOf(name)['properties']))).toEqual(Object.keys(body as object));
      expect(schemaOf(name)['required']).toEqual(Object.keys(body as object));
      expect(violations(schemaOf(name), body, apiDocument)).toEqual([]);
      expect(violations(schemaOf(name), { ...(body as object), more: 1 }, apiDocument)).not.toEqual([]);
    }
    const { body } = sessionCancelResponse(account, id, [member]);
    const { payment_requests: members } = JSON.parse(body) as { payment_requests: readonly object[] };
    expect(schemaOf('MemberOutcome')['required']).toEqual(Object.keys(members[0] ?? {}));
  });

  it('the fields of a cancel job are those of the API, in the same order', () => {
    const view = cancelJobView(jobWith());
    expect(Object.keys(dereferenced(schemaOf('CancelJob')['properties']))).toEqual(Object.keys(view));
    expect(schemaOf('CancelJob')['required']).toEqual(Object.keys(view));
    expect(violations(schemaOf('CancelJob'), JSON.parse(JSON.stringify(view)), apiDocument)).toEqual([]);
  });
});

describe('the queries of docs/api.yaml', () => {
  const queries: Readonly<Record<string, { readonly entries: Readonly<Record<string, unknown>> }>> = {
    getPaymentRequest: recordQuery,
    cancelPaymentRequest: requestCancelQuery,
    listPaymentRequests: listQuery,
    cancelSession: sessionCancelQuery,
    cancelReference: sessionCancelQuery,
    getCancelJobReport: reportQuery,
    getOverview: overviewQuery,
    getSweepPreview: previewQuery,
  };
  const parametersOf = (description: Schema): readonly Schema[] =>
    ((description['parameters'] ?? []) as readonly unknown[]).map(dereferenced);

  it.each(operations.map(({ description }) => [String(description['operationId']), description] as const))(
    'the query parameters of %s are those of the API, with their values and defaults',
    (operation, description) => {
      const entries = Object.entries(queries[operation]?.entries ?? noQuery.entries);
      const parameters = parametersOf(description).filter((each) => each['in'] !== 'header');
      expect(parameters.map(({ name }) => name).toSorted()).toEqual(entries.map(([name]) => name).toSorted());
      for (const [name, entry] of entries) {
        const parameter = parameters.find((each) => each['name'] === name);
        const { enum: choices, type, default: fallback } = dereferenced(parameter?.['schema']);
        const words = type === 'boolean' ? ['true', 'false'] : choices;
        expect(parameter).toMatchObject({ in: 'query' });
        expect(words, name).toEqual(wordsOf(entry));
        if (fallback !== undefined)
          expect(typeof fallback === 'string' ? fallback : JSON.stringify(fallback), name).toBe(
            (entry as Schema)['default'],
          );
      }
    },
  );

  it('the limit of a page has the bounds of the API', () => {
    const limit = parametersOf(
      operations.find(({ description }) => description['operationId'] === 'listPaymentRequests')
        ?.description ?? {},
    ).find(({ name }) => name === 'limit');
    const { minimum, maximum } = dereferenced(limit?.['schema']);
    const takes = (value: unknown) => v.safeParse(listQuery, { limit: String(value) }).success;
    expect([minimum, maximum].map(takes)).toEqual([true, true]);
    expect([Number(minimum) - 1, Number(maximum) + 1].map(takes)).toEqual([false, false]);
  });

  /** The choices of a schema. */
  function wordsOf(schema: unknown): unknown {
    if (!isObject(schema)) return undefined;
    const [first] = Array.isArray(schema['pipe']) ? (schema['pipe'] as readonly unknown[]) : [];
    return schema['options'] ?? wordsOf(schema['wrapped']) ?? (first === schema ? undefined : wordsOf(first));
  }
});

it('the explanations in the history example are those of the API', () => {
  const { value } = pointedAt(apiDocument, '#/components/examples/history') as unknown as {
    readonly value: { readonly entries: readonly Readonly<Record<string, unknown>>[] };
  };
  const history = value.entries.map((entry) => ({
    eventId: entry['event_id'],
    kind: entry['kind'],
    effect: entry['effect'],
    state: entry['state'] ?? undefined,
    occurredAt: entry['occurred_at'],
    // The API does not show the entry that a confirming one met.
    against:
      entry['effect'] === 'confirming'
        ? `2|2026-03-01T12:05:01.822000000Z|${String(value.entries.at(-2)?.['event_id'])}`
        : undefined,
    detail: entry['evidence'],
  })) as unknown as readonly HistoryEntry[];
  expect(history.map((entry) => explanationOf(entry, history))).toEqual(
    value.entries.map((entry) => entry['explanation']),
  );
});

describe('the values of docs/api.yaml', () => {
  const timers = { none: 1, pending: 1, armed: 1, sweep: 1, fired: 1, removed: 1 } satisfies Record<
    Exclude<TimerState, 'undecided'>,
    1
  >;
  const onTimeout = { cancel: 1, observe: 1 } satisfies Record<OnTimeout, 1>;
  const attentions = {
    contradiction: 1,
    canceled_after_completed: 1,
    paid_twice: 1,
    not_authorized: 1,
    not_found: 1,
    klarna_denied: 1,
    unknown_state: 1,
  } satisfies Record<Attention, 1>;
  const sources = { webhook: 1, read: 1, cancel: 1, not_found: 1 } satisfies Record<EvidenceSource, 1>;
  const kinds = {
    ...sources,
    register: 1,
    extend: 1,
    klarna_expiry: 1,
    cancel_request: 1,
    confirmation: 1,
    timer: 1,
    sweep: 1,
    session: 1,
    resolve: 1,
  } satisfies Record<HistoryKind, 1>;
  const effects = {
    applied: 1,
    stale: 1,
    confirming: 1,
    contradicting: 1,
    accepted: 1,
    refused: 1,
    noted: 1,
  } satisfies Record<HistoryEffect, 1>;
  const outcomes = {
    claimed: 1,
    pending: 1,
    canceled: 1,
    already_canceled: 1,
    refused: 1,
    not_found: 1,
  } satisfies Record<CancellationOutcome, 1>;
  const causes = { api: 1, timeout: 1, superseded: 1, sweep: 1, job: 1, operator: 1 } satisfies Record<
    CancellationCause,
    1
  >;
  const statuses = { open: 1, paid: 1, ended: 1 } satisfies Record<SessionStatus, 1>;
  const jobStatuses = { running: 1, done: 1, stopped: 1 } satisfies Record<CancelJobStatus, 1>;
  const selections = {
    payment_request_ids: 1,
    session_id: 1,
    reference: 1,
    created_before: 1,
  } satisfies Record<CancelJobSelection['by'], 1>;

  const refreshes = { refreshed: 1, not_found: 1, klarna_denied: 1, unknown: 1 } satisfies Record<
    RefreshOutcome,
    1
  >;
  /** The outcome in the response to each cancel. Problems have none. */
  const cancels = Object.values({
    canceled: cancelWord({ outcome: 'canceled', record }),
    already_canceled: cancelWord({ outcome: 'already_canceled', record }),
    would_cancel: cancelWord({ outcome: 'would_cancel', record }),
    pending: cancelWord({ outcome: 'pending', record }),
    already_final: cancelWord({ outcome: 'already_final', state: 'COMPLETED', record }),
    not_found: cancelWord({ outcome: 'not_found', record }),
    klarna_denied: cancelWord({ outcome: 'klarna_denied', record }),
    untried: cancelWord({ outcome: 'untried', record }),
  } satisfies Record<CancelOutcome, unknown>);

  function cancelWord(outcome: CancelResult): unknown {
    try {
      return (JSON.parse(cancelResponse(key, outcome).body) as Schema)['outcome'];
    } catch (error) {
      if (error instanceof Problem) return undefined;
      throw error;
    }
  }

  const outcomeOfMember = () => propertyOf('MemberOutcome', 'outcome')['enum'];

  it.each<[string, () => unknown, readonly unknown[]]>([
    ['Payment Request states', () => schemaOf('State')['enum'], [...paymentRequestStates, null]],
    ['timer states', () => propertyOf('Record', 'timer')['enum'], Object.keys(timers)],
    [
      'values of on_timeout of a record',
      () => propertyOf('Record', 'on_timeout')['enum'],
      [...Object.keys(onTimeout), null],
    ],
    ['values of on_timeout of a registration', () => schemaOf('OnTimeout')['enum'], Object.keys(onTimeout)],
    ['values of attention', () => schemaOf('Attention')['enum'], [...Object.keys(attentions), null]],
    ['evidence sources', () => propertyOf('Evidence', 'source')['enum'], Object.keys(sources)],
    ['cancellation outcomes', () => propertyOf('Cancellation', 'outcome')['enum'], Object.keys(outcomes)],
    ['cancellation causes', () => propertyOf('Cancellation', 'cause')['enum'], Object.keys(causes)],
    ['kinds of history entries', () => propertyOf('HistoryEntry', 'kind')['enum'], Object.keys(kinds)],
    ['effects of history entries', () => propertyOf('HistoryEntry', 'effect')['enum'], Object.keys(effects)],
    [
      'outcomes of a cancel',
      () => propertyOf('CancelResult', 'outcome')['enum'],
      [...new Set(cancels.filter((word) => word !== undefined))],
    ],
    ['outcomes of a refresh', () => propertyOf('RefreshedRecord', 'refresh')['enum'], Object.keys(refreshes)],
    ['statuses of a session', () => schemaOf('SessionStatus')['enum'], Object.keys(statuses)],
    ['outcomes of a session member', outcomeOfMember, cancelOutcomes],
    ['outcomes of a job', () => propertyOf('CancelJob', 'outcomes')['required'], cancelOutcomes],
    ['statuses of a job', () => schemaOf('CancelJobStatus')['enum'], Object.keys(jobStatuses)],
    ['selections of a job', () => propertyOf('CancelJobSelection', 'by')['enum'], Object.keys(selections)],
  ])('docs/api.yaml has exactly the %s of the code', (_, described, known) => {
    expect((described() as readonly unknown[]).toSorted()).toEqual([...known].toSorted());
  });
});

describe('contractViolations', () => {
  const path = '/accounts/shop-se/payment-requests/krn:payment:eu1:request:1';
  const good = {
    status: 200,
    contentType: 'application/json',
    retryAfter: null,
    body: JSON.parse(JSON.stringify(viewOf(record))) as Schema,
  };

  it('contractViolations finds nothing in a response that fits docs/api.yaml', () => {
    expect(contractViolations('GET', path, good)).toEqual([]);
  });

  it.each([
    ['an undocumented status', { ...good, status: 204 }],
    ['an undocumented content type', { ...good, contentType: 'text/html' }],
    ['a missing field', { ...good, body: { ...good.body, timer: undefined } }],
    ['an undocumented value', { ...good, body: { ...good.body, state: 'PAUSED' } }],
    [
      'a problem without Retry-After',
      {
        ...good,
        status: 503,
        contentType: 'application/problem+json',
        body: pointedAt(apiDocument, '#/components/examples/unavailable')['value'],
      },
    ],
  ])('contractViolations finds %s', (_, reply) => {
    expect(contractViolations('GET', path, reply)).not.toEqual([]);
  });
});
