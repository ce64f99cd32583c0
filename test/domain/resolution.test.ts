import { describe, expect, it } from 'vitest';
import { decode, toItem } from '../../functions/adapters/dynamodb/stored-payment-request.ts';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { Attention } from '../../functions/domain/attention.ts';
import { type EventId, ownEventId } from '../../functions/domain/identifiers.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { resolveAttention } from '../../functions/domain/resolution.ts';
import { eventsAgain, eventsOf } from '../../functions/domain/state-change-event.ts';
import { applyObservation } from '../../functions/domain/transition.ts';
import { explanationOf } from '../../functions/http/history-explanation.ts';
import { noon, observed, recordWith, versioned } from '../support/fixtures.ts';
import { afterNoon } from '../support/sessions.ts';

const by = 'arn:aws:sts::123456789012:assumed-role/operator';
const note = 'refunded, order closed';

const resolution = (attention: Attention, id = '1') => ({
  attention,
  by,
  note,
  eventId: ownEventId('resolve', id),
  at: afterNoon(10),
});

/** The record after Klarna has reported these states, each with an event id and a time of its own. */
const told = (record: PaymentRequest, ...states: readonly ('CANCELED' | 'EXPIRED' | 'COMPLETED')[]) =>
  states.reduce((before, state) => {
    const place = before.history.length;
    const fact = observed(state, `2026-03-01T12:0${place + 1}:00Z`, { eventId: `e${place}` as EventId });
    return versioned(applyObservation(before, fact).record, before);
  }, record);

const contradicted = told(recordWith(), 'CANCELED', 'EXPIRED');

const resolved = (record: PaymentRequest, attention: Attention, id?: string): PaymentRequest => {
  const { next } = resolveAttention(record, resolution(attention, id));
  if (!next) throw new Error('it was not resolved');
  return versioned(next, record);
};

describe('resolveAttention', () => {
  it('the mark goes, the history says who and why, and nothing else changes', () => {
    const after = resolved(contradicted, 'contradiction');
    expect(after).toMatchObject({ state: 'CANCELED', attention: undefined, attentionSince: undefined });
    expect(after.history.at(-1)).toMatchObject({
      kind: 'resolve',
      effect: 'accepted',
      detail: { attention: 'contradiction', requested_by: by, note },
    });
    for (const field of [
      'state',
      'previousState',
      'position',
      'evidence',
      'timer',
      'cancellation',
      'dueAt',
    ] as const)
      expect(after[field]).toEqual(contradicted[field]);
  });

  it('the explanation of the entry says who resolved what, and the note', () => {
    const { history } = resolved(contradicted, 'contradiction');
    const entry = history.at(-1);
    expect(entry && explanationOf(entry, history)).toBe(`${by} resolved contradiction: ${note}.`);
  });

  it('one event says what was resolved, by whom and why, also when it is published again or read from the table', () => {
    const after = resolved(contradicted, 'contradiction');
    const [event, ...others] = eventsOf(after);
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      type: 'Payment Request Attention Resolved',
      detail: { cause: 'contradiction', reason: note, resolved_by: by, sequence: contradicted.sequence + 1 },
    });
    const stored = unmarshall(marshall({ ...toItem(after, 30) }, { removeUndefinedValues: true }));
    expect(eventsOf(decode(stored).record)).toEqual([event]);
    const again = eventsAgain(after, noon, afterNoon(60));
    expect(again.find(({ type }) => type === event?.type)).toEqual(event);
  });

  it('a record without a mark, or with another one, stays as it is', () => {
    expect(resolveAttention(recordWith(), resolution('contradiction'))).toEqual({
      outcome: { kind: 'none' },
    });
    expect(resolveAttention(contradicted, resolution('paid_twice'))).toEqual({
      outcome: { kind: 'other', attention: 'contradiction' },
    });
  });

  it('the same resolution again changes nothing', () => {
    const after = resolved(contradicted, 'contradiction');
    expect(resolveAttention(after, resolution('contradiction'))).toEqual({ outcome: { kind: 'resolved' } });
  });

  it('a long note is shortened in the history, so that the record stays bounded', () => {
    const { next } = resolveAttention(contradicted, {
      ...resolution('contradiction'),
      note: 'å'.repeat(500),
    });
    expect(Buffer.byteLength(next?.history.at(-1)?.detail['note'] ?? '')).toBeLessThanOrEqual(120);
  });
});

describe('what was resolved', () => {
  it('the same contradiction is not raised again, by any number of webhooks', () => {
    const after = told(resolved(contradicted, 'contradiction'), 'EXPIRED', 'EXPIRED');
    expect(after.attention).toBeUndefined();
    expect(after.history.slice(-2)).toMatchObject([
      { effect: 'contradicting', attention: undefined },
      { effect: 'contradicting', attention: undefined },
    ]);
    expect(after.changes).toEqual([]);
  });

  it('a contradiction about another state is raised, and can be resolved in its turn', () => {
    const after = told(resolved(contradicted, 'contradiction'), 'COMPLETED');
    expect(after.attention).toBe('contradiction');
    expect(after.changes).toMatchObject([{ kind: 'needs_attention', attention: 'contradiction' }]);
    const twice = resolved(after, 'contradiction', '2');
    expect(told(twice, 'COMPLETED', 'EXPIRED').attention).toBeUndefined();
  });

  it('another mark is raised', () => {
    const after = resolved(recordWith({ state: 'CANCELED', attention: 'paid_twice' }), 'paid_twice');
    expect(told(after, 'EXPIRED').attention).toBeUndefined();
    expect(told(told(recordWith({ resolved: ['paid_twice'] }), 'CANCELED'), 'EXPIRED').attention).toBe(
      'contradiction',
    );
  });

  it.each<Attention>(['not_found', 'klarna_denied', 'unknown_state'])(
    'an obstacle is not remembered, because it may still be there: %s',
    (attention) => {
      const after = resolved(recordWith({ state: 'SUBMITTED', attention }), attention);
      expect(after.resolved).toBeUndefined();
    },
  );
});
