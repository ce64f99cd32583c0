import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dueAtOf } from '../../functions/domain/due.ts';
import type { HistoryEntry } from '../../functions/domain/history-entry.ts';
import { withEntry } from '../../functions/domain/history.ts';
import { ownEventId } from '../../functions/domain/identifiers.ts';
import { asNextVersion } from '../../functions/domain/next-version.ts';
import { type PaymentRequest, unknownPaymentRequest } from '../../functions/domain/payment-request.ts';
import { applyObservation } from '../../functions/domain/transition.ts';
import { twoArrivals, webhooks } from '../support/arbitrary-observations.ts';
import { key, noon, observed, recordWith } from '../support/fixtures.ts';
import { afterNoon, register, registered } from '../support/sessions.ts';

const write = (id: string, minutes = 1) => ({ id, now: afterNoon(minutes) });

describe('asNextVersion', () => {
  it('the first version of a record counts from 1, with the events of the write', () => {
    const { next } = register(undefined);
    const record = next && asNextVersion(undefined, next, write('w1'));
    expect(record).toEqual({
      ...next,
      version: 1,
      sequence: 1,
      changes: [expect.objectContaining({ kind: 'registered', recordedAt: noon })],
      writes: ['w1'],
      dueAt: afterNoon(31),
      attentionSince: undefined,
      updatedAt: afterNoon(1),
    });
  });

  it('a write without an event keeps the sequence, and the events of the write before are gone', () => {
    const before = asNextVersion(
      undefined,
      applyObservation(recordWith({ version: 0 }), observed('SUBMITTED')).record,
      write('w1'),
    );
    expect(before).toMatchObject({ version: 1, sequence: 1, changes: [{ kind: 'state_changed' }] });
    const after = asNextVersion(before, { ...before, reference: 'order 17' }, write('w2', 2));
    expect(after).toEqual({
      ...before,
      reference: 'order 17',
      version: 2,
      changes: [],
      writes: ['w1', 'w2'],
      dueAt: afterNoon(2),
      updatedAt: afterNoon(2),
    });
  });

  it('a write with several events counts each of them', () => {
    const before = recordWith({ sequence: 7, version: 5, state: 'SUBMITTED' });
    const facts = [observed('COMPLETED', '2026-03-01T12:00:05Z'), observed('CANCELED')];
    const next = facts.reduce((record, each) => applyObservation(record, each).record, before);
    const after = asNextVersion(before, next, write('w1'));
    expect(after.changes.map(({ kind }) => kind)).toEqual([
      'state_changed',
      'state_changed',
      'needs_attention',
    ]);
    expect([after.version, after.sequence]).toEqual([6, 10]);
  });

  it('a record remembers its newest 8 writes', () => {
    let record: PaymentRequest = unknownPaymentRequest(key, noon);
    for (let index = 1; index <= 11; index += 1) record = asNextVersion(record, record, write(`w${index}`));
    expect(record.writes).toEqual(['w4', 'w5', 'w6', 'w7', 'w8', 'w9', 'w10', 'w11']);
    expect(record.version).toBe(11);
  });

  it('the due time follows from the record and the time of the write, and not from an earlier one', () => {
    const before = registered({ dueAt: afterNoon(-60) });
    expect(asNextVersion(before, before, write('w1')).dueAt).toBe(afterNoon(31));
    expect(asNextVersion(before, before, write('w1', 45)).dueAt).toBe(afterNoon(45));
    const ended = { ...before, state: 'CANCELED' as const };
    expect(asNextVersion(before, ended, write('w1')).dueAt).toBeUndefined();
  });

  it('a full history is cut, and the events of the write are complete all the same', () => {
    const noise = (id: number): HistoryEntry => ({
      eventId: ownEventId('sweep', `${id}`.padStart(100, '0')),
      kind: 'sweep',
      recordedAt: noon,
      effect: 'noted',
      detail: {},
    });
    const before = Array.from({ length: 40 }, (_, id) => noise(id)).reduce<PaymentRequest>(
      withEntry,
      recordWith(),
    );
    const { record: next } = applyObservation(before, observed('COMPLETED'));
    const after = asNextVersion(before, next, write('w1'));
    expect(after.changes.map(({ state }) => state)).toEqual(['COMPLETED']);
    expect(after.dropped?.count).toBeGreaterThan(0);
    expect(after.history.length + (after.dropped?.count ?? 0)).toBe(41);
    const again = asNextVersion(after, { ...after, reference: 'x' }, write('w2'));
    expect([again.changes, again.sequence]).toEqual([[], after.sequence]);
  });
});

describe('attentionSince', () => {
  const since = (before: PaymentRequest['attention'], after: PaymentRequest['attention']) => {
    const earlier = recordWith({ attention: before, attentionSince: before && noon });
    return asNextVersion(earlier, { ...earlier, attention: after }, write('w1')).attentionSince;
  };

  it.each([
    [undefined, undefined, undefined],
    [undefined, 'not_found', afterNoon(1)],
    ['not_found', 'not_found', noon],
    ['not_found', 'klarna_denied', afterNoon(1)],
    ['not_found', undefined, undefined],
  ] as const)('an attention that was %s and is %s has the time %s', (before, after, expected) => {
    expect(since(before, after)).toBe(expected);
  });

  it('a new record with an attention has it since the write', () => {
    const next = recordWith({ version: 0, attention: 'contradiction' });
    expect(asNextVersion(undefined, next, write('w1')).attentionSince).toBe(afterNoon(1));
  });
});

it('versions, sequences and due times are right after any writes', () => {
  fc.assert(
    fc.property(
      twoArrivals(webhooks),
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 16 }),
      ({ one }, sizes) => {
        let record: PaymentRequest | undefined;
        let events = 0;
        const left = [...one];
        for (const [index, size] of sizes.entries()) {
          const facts = left.splice(0, size);
          if (facts.length === 0) break;
          const start = record ?? unknownPaymentRequest(key, noon);
          const next = facts.reduce((known, each) => applyObservation(known, each).record, start);
          const after = asNextVersion(record, next, write(`w${index}`, index));
          events += after.changes.length;
          expect(after).toMatchObject({ version: index + 1, sequence: events, updatedAt: afterNoon(index) });
          expect(after.dueAt).toBe(dueAtOf(after));
          if (after.dueAt !== undefined) expect(after.dueAt >= after.updatedAt).toBe(true);
          expect(after.attentionSince === undefined).toBe(after.attention === undefined);
          record = after;
        }
      },
    ),
  );
});
