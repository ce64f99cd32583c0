import { describe, expect, it } from 'vitest';
import type { HistoryEntry } from '../../../functions/domain/history-entry.ts';
import type { EventId, SessionId } from '../../../functions/domain/identifiers.ts';
import type { Position } from '../../../functions/domain/observation.ts';
import type { PaymentRequest } from '../../../functions/domain/payment-request.ts';
import { paymentRequestStates } from '../../../functions/domain/payment-request-state.ts';
import { historyOf, viewOf } from '../../../functions/http/payment-request-view.ts';
import { requestId } from '../../support/cancel-jobs.ts';
import { account, at, key, recordWith } from '../../support/fixtures.ts';
import { traceIdOf } from '../../../functions/domain/trace.ts';

/** A record with every field. */
const full: PaymentRequest = recordWith({
  sessionId: 'cart-7' as SessionId,
  reference: 'order-7',
  recoveredFrom: requestId(1),
  state: 'CANCELED',
  previousState: 'IN_PROGRESS',
  stateReason: 'PARTNER_CANCELED',
  occurredAt: at('2026-03-01T12:30:00.123456789Z'),
  position: '2|2026-03-01T12:30:00.123456789Z|cancel:1' as Position,
  evidence: {
    source: 'cancel',
    eventId: 'cancel:1' as EventId,
    observedAt: at('2026-03-01T12:30:00.250Z'),
  },
  klarnaExpiresAt: at('2026-03-01T15:00:00Z'),
  session: {
    registeredAt: at('2026-03-01T12:00:00Z'),
    requested: 'PT30M',
    onTimeout: 'observe',
    observedBy: 'kind',
    kind: 'invoice',
    inProgressGrace: 60_000,
    graceGivenAt: at('2026-03-01T12:20:00Z'),
    extensions: 2,
  },
  deadlineAt: at('2026-03-01T12:30:00Z'),
  timer: 'fired',
  wouldCancel: { at: at('2026-03-01T12:30:00.2Z'), reason: 'kind' },
  cancellation: {
    outcome: 'canceled',
    cause: 'timeout',
    reason: 'abandoned',
    requestedBy: 'lapse:session-timer',
    requestedAt: at('2026-03-01T12:30:00.100Z'),
    allowCompleted: false,
    sentBefore: true,
    lease: { id: 'lease', until: at('2026-03-01T12:31:00Z') },
  },
  attention: 'canceled_after_completed',
  dueAt: at('2026-03-01T12:31:00Z'),
  retryAt: at('2026-03-01T12:31:00Z'),
  attempts: 3,
  dropped: { count: 4, first: at('2026-03-01T12:01:00Z'), last: at('2026-03-01T12:02:00.5Z') },
  sequence: 7,
  version: 9,
  createdAt: at('2026-03-01T12:00:00Z'),
  updatedAt: at('2026-03-01T12:30:00.300Z'),
});

describe('viewOf', () => {
  it('viewOf returns exactly the fields of the API', () => {
    expect(viewOf(full)).toEqual({
      account,
      payment_request_id: key.paymentRequestId,
      trace_id: traceIdOf(key.paymentRequestId),
      session_id: 'cart-7',
      reference: 'order-7',
      recovered_from: requestId(1),
      state: 'CANCELED',
      previous_state: 'IN_PROGRESS',
      state_reason: 'PARTNER_CANCELED',
      final: true,
      occurred_at: '2026-03-01T12:30:00.123456789Z',
      evidence: { source: 'cancel', event_id: 'cancel:1', observed_at: '2026-03-01T12:30:00.25Z' },
      deadline_at: '2026-03-01T12:30:00Z',
      timer: 'fired',
      on_timeout: 'observe',
      observed_by: 'kind',
      kind: 'invoice',
      would_cancel: { at: '2026-03-01T12:30:00.2Z', reason: 'kind' },
      extensions: 2,
      cancellation: {
        outcome: 'canceled',
        cause: 'timeout',
        reason: 'abandoned',
        requested_by: 'lapse:session-timer',
        requested_at: '2026-03-01T12:30:00.1Z',
      },
      confirmation: null,
      confirm_by: null,
      authorized_at: null,
      purpose: 'payment',
      klarna_expires_at: '2026-03-01T15:00:00Z',
      attention: 'canceled_after_completed',
      version: 9,
      created_at: '2026-03-01T12:00:00Z',
      updated_at: '2026-03-01T12:30:00.3Z',
    });
  });

  it('viewOf returns the same fields with null for a record without values', () => {
    const empty = viewOf(recordWith());
    expect(Object.keys(empty)).toEqual(Object.keys(viewOf(full)));
    expect(empty).toMatchObject({
      session_id: null,
      reference: null,
      recovered_from: null,
      state: null,
      previous_state: null,
      state_reason: null,
      final: false,
      occurred_at: null,
      evidence: null,
      deadline_at: null,
      timer: 'none',
      on_timeout: null,
      observed_by: null,
      kind: null,
      would_cancel: null,
      extensions: 0,
      cancellation: null,
      klarna_expires_at: null,
      attention: null,
    });
    expect(JSON.parse(JSON.stringify(empty))).toEqual(empty);
  });

  it('viewOf returns final for CANCELED, EXPIRED and DECLINED only', () => {
    const final = paymentRequestStates.filter((state) => viewOf(recordWith({ state })).final);
    expect(final).toEqual(['CANCELED', 'EXPIRED', 'DECLINED']);
  });
});

describe('historyOf', () => {
  const entry = (fields: Partial<HistoryEntry>): HistoryEntry => ({
    eventId: 'e1' as EventId,
    kind: 'webhook',
    recordedAt: at('2026-03-01T12:00:00Z'),
    effect: 'applied',
    detail: { signing_key_id: 'k' },
    ...fields,
  });

  it('historyOf returns the entries oldest first, and how many entries were dropped, from when to when', () => {
    const history = [
      entry({ state: 'COMPLETED', occurredAt: at('2026-03-01T11:59:59Z') }),
      entry({ eventId: 'e2' as EventId, effect: 'contradicting', attention: 'contradiction' }),
    ];
    expect(historyOf({ ...full, history })).toEqual({
      account,
      payment_request_id: key.paymentRequestId,
      trace_id: traceIdOf(key.paymentRequestId),
      entries: [
        {
          event_id: 'e1',
          kind: 'webhook',
          recorded_at: '2026-03-01T12:00:00Z',
          effect: 'applied',
          explanation: "Klarna's webhook reported COMPLETED. The record now has this state.",
          state: 'COMPLETED',
          occurred_at: '2026-03-01T11:59:59Z',
          attention: null,
          evidence: { signing_key_id: 'k' },
        },
        expect.objectContaining({ event_id: 'e2', state: null, attention: 'contradiction' }),
      ],
      dropped: 4,
      first_dropped_at: '2026-03-01T12:01:00Z',
      last_dropped_at: '2026-03-01T12:02:00.5Z',
    });
  });

  it('historyOf of a record that dropped nothing has no time of a dropped entry', () => {
    expect(historyOf(recordWith())).toMatchObject({
      entries: [],
      dropped: 0,
      first_dropped_at: null,
      last_dropped_at: null,
    });
  });

  it("historyOf shows Klarna's times as Klarna wrote them", () => {
    const history = [entry({ occurredAt: at('2026-03-01T11:59:59.123456789Z') })];
    expect(historyOf({ ...full, history }).entries[0]?.occurred_at).toBe('2026-03-01T11:59:59.123456789Z');
  });
});
