import { setTimeout as wait } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { changeRecord } from '../../../functions/application/change-record.ts';
import type {
  DuePaymentRequests,
  ListSelection,
  PaymentRequestList,
  PaymentRequestStore,
  ReferencedPaymentRequests,
  SessionPaymentRequests,
} from '../../../functions/application/ports.ts';
import type { ListCursor } from '../../../functions/domain/list-cursor.ts';
import { asNextVersion } from '../../../functions/domain/next-version.ts';
import { recordObservation } from '../../../functions/application/record-observation.ts';
import { claimed } from '../../../functions/domain/cancellation.ts';
import {
  type Account,
  type EventId,
  type PaymentRequestId,
  type PaymentRequestKey,
  parseEventId,
  parseSessionId,
  type Reference,
  type SessionId,
} from '../../../functions/domain/identifiers.ts';
import { instantFromMillis, plusMillis } from '../../../functions/domain/instant.ts';
import type { AuthorizationReport } from '../../../functions/domain/confirmation.ts';
import type { Observation } from '../../../functions/domain/observation.ts';
import type { HistoryEntry } from '../../../functions/domain/history-entry.ts';
import { bytesOf, roomIn, withEntry } from '../../../functions/domain/history.ts';
import { type PaymentRequest, unknownPaymentRequest } from '../../../functions/domain/payment-request.ts';
import { TransientError } from '../../../functions/domain/transient-error.ts';
import {
  appliedEntry,
  applyObservation,
  isUnread,
  observedVersion,
  staleEntry,
  staleVersion,
} from '../../../functions/domain/transition.ts';
import { decideRegistration } from '../../../functions/domain/registration.ts';
import { authorizedVersion } from '../../../functions/domain/unread-authorization.ts';
import { registeredVersion } from '../../../functions/domain/unread-registration.ts';
import { noon, observed, registrationWith, versioned } from '../../support/fixtures.ts';
import { afterNoon, cancellationWith, policy, session, settledWith } from '../../support/sessions.ts';
import { CountingIds } from '../../support/virtual-clock.ts';

function eventIdOf(name: string): EventId {
  const eventId = parseEventId(name);
  if (!eventId) throw new Error(`${name} is not an event id`);
  return eventId;
}

/** Entries of an older time that leave a history this many bytes. */
function historyWithRoom(bytes: number): readonly HistoryEntry[] {
  const entries: HistoryEntry[] = [];
  const entry = (text: string): HistoryEntry => ({
    eventId: eventIdOf(`filler-${entries.length}`),
    kind: 'cancel_request',
    recordedAt: noon,
    effect: 'accepted',
    detail: { reason: text },
  });
  while (roomIn(entries) > 1_000) entries.push(entry('x'.repeat(500)));
  const missing = roomIn(entries) - bytes - bytesOf(entry(''));
  return [...entries, entry('x'.repeat(missing))];
}

const command = { cause: 'api', requestedBy: 'b', allowCompleted: false } as const;

let requests = 0;

/** A Payment Request that no other test uses. */
export function newKey(account = 'shop-se'): PaymentRequestKey {
  requests += 1;
  return {
    account: account as Account,
    paymentRequestId: `krn:payment:eu1:request:${requests}` as PaymentRequestId,
  };
}

/** A webhook's report of an authorization. */
const reportOf = (name: string): AuthorizationReport => ({
  eventId: eventIdOf(name),
  source: 'webhook',
  at: afterNoon(2),
  reportedAt: afterNoon(3),
  proof: { signing_key_id: 'k1' },
});

/** A record that was registered at noon for half an hour. */
export function newSession(key: PaymentRequestKey): PaymentRequest {
  const eventId = parseEventId('register:1');
  if (!eventId) throw new Error('no event id');
  const { next } = decideRegistration(undefined, key, registrationWith(), { policy, eventId, now: noon });
  if (!next) throw new Error('not registered');
  return versioned(next);
}

type Store = PaymentRequestStore &
  DuePaymentRequests &
  SessionPaymentRequests &
  ReferencedPaymentRequests &
  PaymentRequestList;

/** The contract of a store of Payment Requests. Each test uses its own records, so that all can share one store. */
export function describePaymentRequestStore(name: string, open: () => Promise<Store>): void {
  describe(`the store of Payment Requests, ${name}`, () => {
    let store: Store;
    let key: PaymentRequestKey;

    beforeEach(async () => {
      store = await open();
      key = newKey();
    });

    const referencedBy = async (account: Account, reference: Reference) => {
      const keys: PaymentRequestKey[] = [];
      for await (const each of store.ofReference(account, reference)) keys.push(each);
      return keys;
    };

    const written = async (record: PaymentRequest, current?: PaymentRequest) => {
      expect(await store.save(current, record)).toEqual({ written: true });
      return record;
    };

    describe('read', () => {
      it('read returns undefined for an unknown request', async () => {
        expect(await store.read(key)).toBeUndefined();
      });

      it('read returns the whole record', async () => {
        const registered = newSession(key);
        const { record } = applyObservation(
          registered,
          observed('IN_PROGRESS', '2026-03-01T12:00:01.123456789Z', {
            previousState: 'SUBMITTED',
            stateReason: 'R',
            klarnaExpiresAt: afterNoon(180),
            proof: { body_sha256: 'ab'.repeat(32) },
          }),
        );
        const claim = claimed(
          record,
          { cause: 'api', reason: 'r', requestedBy: 'b', allowCompleted: true },
          'l',
          noon,
        );
        const whole = await written(
          versioned(
            {
              ...claim,
              sessionId: parseSessionId('session 1: å'),
              reference: 'köp "17"',
              attention: 'klarna_denied',
              question: { about: 'tie', eventId: eventIdOf('IN_PROGRESS@1') },
              attempts: 3,
              retryAt: afterNoon(5),
              dropped: { count: 2, first: noon, last: afterNoon(1) },
            },
            registered,
            afterNoon(2),
          ),
        );
        expect(whole).toMatchObject({ attentionSince: afterNoon(2), version: 2, sequence: 2 });
        expect(whole.dueAt).toBeDefined();
        expect(await store.read(key)).toEqual(whole);
      });

      it('read returns no record of another account', async () => {
        await store.observe(key, observed('SUBMITTED'));
        expect(await store.read({ ...key, account: 'shop-no' as Account })).toBeUndefined();
      });
    });

    describe('readAll', () => {
      it('readAll returns the records in the order of the keys, and leaves out those that do not exist', async () => {
        const keys = Array.from({ length: 5 }, () => newKey());
        const records = await Promise.all(keys.map((each) => written(newSession(each))));
        const asked = [...keys.toReversed(), key];
        expect(await store.readAll(asked)).toEqual(records.toReversed());
        expect(await store.readAll([key])).toEqual([]);
        expect(await store.readAll([])).toEqual([]);
      });

      it('readAll reads a hundred records at once', async () => {
        const keys = Array.from({ length: 100 }, () => newKey());
        await Promise.all(keys.map((each) => store.observe(each, observed('SUBMITTED'))));
        const found = await store.readAll(keys);
        expect(found.map(({ paymentRequestId }) => paymentRequestId)).toEqual(
          keys.map(({ paymentRequestId }) => paymentRequestId),
        );
      });
    });

    describe('observe', () => {
      it('observe makes a record for an unknown request', async () => {
        const news = observed('COMPLETED', undefined, {
          previousState: 'IN_PROGRESS',
          observedAt: afterNoon(1),
          klarnaExpiresAt: afterNoon(180),
          proof: { signing_key_id: 'k1' },
        });
        expect(await store.observe(key, news)).toEqual({ written: true });
        expect(await store.read(key)).toEqual({
          ...unknownPaymentRequest(key, afterNoon(1)),
          state: 'COMPLETED',
          previousState: 'IN_PROGRESS',
          occurredAt: noon,
          position: `1|${noon}|${news.eventId}`,
          evidence: { source: 'webhook', eventId: news.eventId, observedAt: afterNoon(1) },
          klarnaExpiresAt: afterNoon(180),
          history: [
            {
              eventId: news.eventId,
              kind: 'webhook',
              recordedAt: afterNoon(1),
              effect: 'applied',
              state: 'COMPLETED',
              occurredAt: noon,
              detail: { signing_key_id: 'k1' },
            },
          ],
          changes: [
            {
              kind: 'state_changed',
              eventId: news.eventId,
              state: 'COMPLETED',
              previousState: 'IN_PROGRESS',
              occurredAt: noon,
              recordedAt: afterNoon(1),
            },
          ],
          dueAt: afterNoon(1),
          version: 1,
          sequence: 1,
        });
      });

      it('observe changes only the observed fields', async () => {
        const before = await written({
          ...newSession(key),
          reference: 'order 17',
          cancellation: settledWith({ outcome: 'refused' }),
        });
        const news = observed('IN_PROGRESS', '2026-03-01T12:01:00Z');
        expect(await store.observe(key, news)).toEqual({ written: true });
        const { history, ...rest } = (await store.read(key)) ?? {};
        expect(rest).toEqual({
          ...before,
          history: undefined,
          changes: [
            {
              kind: 'state_changed',
              eventId: news.eventId,
              state: 'IN_PROGRESS',
              previousState: undefined,
              occurredAt: news.occurredAt,
              recordedAt: news.observedAt,
            },
          ],
          state: 'IN_PROGRESS',
          occurredAt: news.occurredAt,
          position: `0|${news.occurredAt}|${news.eventId}`,
          evidence: { source: 'webhook', eventId: news.eventId, observedAt: news.observedAt },
          updatedAt: news.observedAt,
          version: 2,
          sequence: 2,
        });
        expect(history?.map((entry) => entry.kind)).toEqual(['register', 'webhook']);
      });

      it.each<[string, readonly Observation[], Observation]>([
        ['a duplicate', [observed('SUBMITTED')], observed('SUBMITTED')],
        [
          'a duplicate of an earlier state',
          [observed('SUBMITTED'), observed('COMPLETED', '2026-03-01T12:01:00Z')],
          observed('SUBMITTED'),
        ],
        [
          'an older observation',
          [observed('IN_PROGRESS')],
          observed('SUBMITTED', '2026-03-01T11:59:59.999999999Z'),
        ],
        ['another open state of the same time', [observed('SUBMITTED')], observed('IN_PROGRESS')],
        ['a lower rank', [observed('COMPLETED')], observed('IN_PROGRESS', '2026-03-01T13:00:00Z')],
        ['the same end again', [observed('EXPIRED')], observed('EXPIRED', '2026-03-01T13:00:00Z')],
        ['another end', [observed('DECLINED')], observed('EXPIRED', '2026-03-01T13:00:00Z')],
        ['a payment after the end', [observed('EXPIRED')], observed('COMPLETED', '2026-03-01T13:00:00Z')],
        ['the end of a paid request', [observed('COMPLETED')], observed('DECLINED', '2026-03-01T13:00:00Z')],
      ])('observe refuses %s and returns the stored record', async (_, known, news) => {
        for (const each of known) expect(await store.observe(key, each)).toEqual({ written: true });
        const stored = await store.read(key);
        expect(await store.observe(key, news)).toEqual({ written: false, stored });
        expect(await store.read(key)).toEqual(stored);
      });

      it('observe notes the same state at a later time, and makes no event', async () => {
        await store.observe(key, observed('SUBMITTED'));
        const before = await store.read(key);
        const news = observed('SUBMITTED', '2026-03-01T13:00:00Z');
        expect(await store.observe(key, news)).toEqual({ written: true });
        const after = before && observedVersion(before, news);
        expect(after).toMatchObject({ version: 2, sequence: 1, changes: [] });
        expect(await store.read(key)).toEqual(after);
      });

      const later = '2026-03-01T12:01:00Z';
      const states = ['SUBMITTED', 'IN_PROGRESS', 'COMPLETED', 'EXPIRED', 'DECLINED'] as const;
      const watched = { ...session, onTimeout: 'observe' } as const;
      const records: Readonly<Record<string, Partial<PaymentRequest>>> = {
        'a registered request': {},
        'a claimed cancel': { cancellation: cancellationWith() },
        'a pending cancel': { cancellation: settledWith({ outcome: 'pending' }) },
        'a refused cancel': { cancellation: settledWith({ outcome: 'refused' }) },
        'a cancel of a request that Klarna does not know': {
          cancellation: settledWith({ outcome: 'not_found' }),
        },
        'an attention': { attention: 'klarna_denied', attentionSince: noon },
        'a question': { question: { about: 'tie', eventId: eventIdOf('e') } },
        'a question about a time': { question: { about: 'time', eventId: eventIdOf('e') } },
        'a due time': { dueAt: afterNoon(-5) },
        'a session that is only observed': { session: watched },
        'a session whose expiry at Klarna is before its deadline': {
          session: { ...session, klarnaExpiry: { askedFor: afterNoon(20), shown: afterNoon(20) } },
        },
        'a session whose expiry at Klarna is its deadline': {
          session: { ...session, klarnaExpiry: { askedFor: afterNoon(30), shown: afterNoon(30) } },
        },
        'a session that is only observed, whose expiry at Klarna is before the longest': {
          session: { ...watched, klarnaExpiry: { askedFor: afterNoon(30), shown: afterNoon(30) } },
        },
        'an event of its last write': { attention: 'not_found', attentionSince: noon, sequence: 5 },
      };

      it.each(Object.keys(records).flatMap((name) => states.map((state) => [name, state] as const)))(
        'observe writes of %s in state %s exactly what the domain says, or refuses it',
        async (name, state) => {
          const current = await written({ ...newSession(key), ...records[name] });
          const news = observed(state, later);
          const isWritten = isUnread(current, news);
          const result = await store.observe(key, news);
          expect(result).toEqual(isWritten ? { written: true } : { written: false, stored: current });
          expect(await store.read(key)).toEqual(isWritten ? observedVersion(current, news) : current);
          const isOpenState = state === 'SUBMITTED' || state === 'IN_PROGRESS';
          const isKept = /claimed|pending|attention|last write/.test(name);
          const needsRead =
            (name.includes('Klarna is before') && state === 'SUBMITTED') ||
            (name.endsWith('about a time') && isOpenState);
          expect(isWritten).toBe((isOpenState || !isKept) && !needsRead);
        },
      );

      it("observe keeps Klarna's reference, and one that the record has already", async () => {
        const told = (state: 'SUBMITTED' | 'IN_PROGRESS', time: string, reference: string) =>
          observed(state, time, { reference: reference as Reference });
        await store.observe(key, told('SUBMITTED', '2026-03-01T12:00:00Z', 'order 1'));
        const before = await store.read(key);
        expect(before).toMatchObject({ reference: 'order 1' });
        const news = told('IN_PROGRESS', '2026-03-01T12:00:01Z', 'order 2');
        await store.observe(key, news);
        expect(await store.read(key)).toEqual(before && observedVersion(before, news));
        expect((await store.read(key))?.reference).toBe('order 1');
        expect(await referencedBy(key.account, 'order 1' as Reference)).toContainEqual(key);
      });

      it('observe tells the state before, also where Klarna does not', async () => {
        const before = async () => (await store.read(key))?.changes.map(({ previousState }) => previousState);
        await store.observe(key, observed('SUBMITTED'));
        expect(await before()).toEqual([undefined]);
        await store.observe(key, observed('IN_PROGRESS', '2026-03-01T12:01:00Z'));
        expect(await before()).toEqual(['SUBMITTED']);
        const told = observed('SUBMITTED', '2026-03-01T12:02:00Z', { previousState: 'SUBMITTED' });
        await store.observe(key, told);
        expect(await before()).toEqual(['SUBMITTED']);
        await store.observe(key, observed('COMPLETED', '2026-03-01T12:03:00Z'));
        expect(await before()).toEqual(['SUBMITTED']);
        expect(await store.read(key)).toMatchObject({ previousState: undefined, sequence: 4 });
      });

      it('observe tells the reason of the state, also after another one', async () => {
        const reasons = async () => (await store.read(key))?.changes.map(({ stateReason }) => stateReason);
        await store.observe(key, observed('SUBMITTED', undefined, { stateReason: 'A' }));
        expect(await reasons()).toEqual(['A']);
        await store.observe(key, observed('IN_PROGRESS', '2026-03-01T12:01:00Z'));
        expect(await reasons()).toEqual([undefined]);
      });

      it('a save replaces the events of an observation before it', async () => {
        await store.observe(key, observed('SUBMITTED'));
        await store.observe(key, observed('IN_PROGRESS', '2026-03-01T12:01:00Z'));
        const stored = await store.read(key);
        if (!stored) throw new Error('nothing is stored');
        const claim = versioned(claimed(stored, command, 'l', noon), stored);
        await written(claim, stored);
        expect(await store.read(key)).toMatchObject({ changes: [], sequence: 2 });
        const paid = applyObservation(claim, observed('COMPLETED', '2026-03-01T12:02:00Z')).record;
        await written(versioned(paid, claim), claim);
        expect(await store.read(key)).toMatchObject({
          changes: [{ state: 'COMPLETED', previousState: 'IN_PROGRESS' }],
          sequence: 3,
        });
      });

      it('observe refuses an entry for which the history has no room, and writes one that just fits', async () => {
        const news = observed('IN_PROGRESS', later, { proof: { body_sha256: 'ab'.repeat(32) } });
        const bytes = bytesOf(appliedEntry(news));
        const full = await written({ ...newSession(key), history: historyWithRoom(bytes - 1) });
        expect(await store.observe(key, news)).toEqual({ written: false, stored: full });
        expect(await store.read(key)).toEqual(full);
        const other = newKey();
        await written({ ...newSession(other), history: historyWithRoom(bytes) });
        expect(await store.observe(other, news)).toEqual({ written: true });
        const stored = await store.read(other);
        expect(stored?.history.at(-1)?.eventId).toBe(news.eventId);
        const next = observed('SUBMITTED', '2026-03-01T12:02:00Z');
        expect(await store.observe(other, next)).toEqual({ written: false, stored });
      });

      it('observe removes a previous state and a reason that are no longer reported', async () => {
        const first = observed('SUBMITTED', undefined, { previousState: 'IN_PROGRESS', stateReason: 'R' });
        await store.observe(key, first);
        await store.observe(key, observed('IN_PROGRESS', '2026-03-01T12:01:00Z'));
        const record = await store.read(key);
        expect([record?.previousState, record?.stateReason]).toEqual([undefined, undefined]);
      });

      it.each(['SUBMITTED', 'IN_PROGRESS'] as const)(
        'observe makes an unregistered request in state %s due after the time for its registration',
        async (state) => {
          await store.observe(key, observed(state));
          expect((await store.read(key))?.dueAt).toBe(noon);
        },
      );

      it('observe delays no due record, and leaves an approved one due only if it was not registered', async () => {
        const { dueAt } = await written(newSession(key));
        expect(dueAt).toBe(afterNoon(31));
        await store.observe(key, observed('SUBMITTED', '2026-03-01T13:00:00Z'));
        expect((await store.read(key))?.dueAt).toBe(dueAt);
        await store.observe(key, observed('COMPLETED', '2026-03-01T13:01:00Z'));
        expect((await store.read(key))?.dueAt).toBeUndefined();
        const paid = newKey();
        await store.observe(paid, observed('COMPLETED'));
        expect((await store.read(paid))?.dueAt).toBe(noon);
        const open = newKey();
        await store.observe(open, observed('SUBMITTED'));
        await store.observe(open, observed('COMPLETED', '2026-03-01T13:01:00Z'));
        expect((await store.read(open))?.dueAt).toBe(noon);
      });

      it('authorize writes the report onto a record without a read, once', async () => {
        await written(newSession(key));
        await store.observe(key, observed('COMPLETED', '2026-03-01T12:01:00Z'));
        const before = await store.read(key);
        const report = reportOf('authorized-1');
        expect(await store.authorize(key, report)).toEqual({ written: true });
        const after = await store.read(key);
        expect(after).toEqual(before && authorizedVersion(before, report));
        expect(await store.authorize(key, report)).toEqual({ written: false, stored: after });
        expect(await store.authorize(key, reportOf('authorized-2'))).toEqual({
          written: false,
          stored: after,
        });
      });

      it('authorize refuses an unknown request, a watched one, and one that needs a person', async () => {
        expect(await store.authorize(key, reportOf('a'))).toEqual({ written: false, stored: undefined });
        const watched = await written({ ...newSession(key), confirmation: { alertAfter: 60_000 } });
        expect(await store.authorize(watched, reportOf('a'))).toEqual({
          written: false,
          stored: await store.read(watched),
        });
        const other = await written({ ...newSession(newKey()), attention: 'contradiction' });
        expect((await store.authorize(other, reportOf('a'))).written).toBe(false);
      });

      it('a tombstone takes no report of an authorization', async () => {
        const { session: _, ...rest } = newSession(key);
        const erased = await written({ ...rest, state: 'COMPLETED', erasedAt: afterNoon(5) });
        const before = await store.read(erased);
        expect(await store.authorize(erased, reportOf('late'))).toEqual({ written: false, stored: before });
        expect(await store.read(erased)).toEqual(before);
      });

      it('observe leaves the approval of a watched session to a write that has read the record', async () => {
        const watched = await written({ ...newSession(key), confirmation: { alertAfter: 60_000 } });
        const approval = observed('COMPLETED', '2026-03-01T12:01:00Z');
        expect(await store.observe(watched, approval)).toEqual({
          written: false,
          stored: await store.read(watched),
        });
        expect((await store.observe(watched, observed('IN_PROGRESS'))).written).toBe(true);
      });

      it('observe keeps all legal event ids apart', async () => {
        const ids = ['a', 'A', '#n', ':v', 'h#a', '"', '~'.repeat(128), '__proto__', 'state', 'version'];
        for (const [second, id] of ids.entries()) {
          const occurredAt = `2026-03-01T12:00:0${second}Z`;
          const state = second % 2 === 0 ? 'SUBMITTED' : 'IN_PROGRESS';
          const news = observed(state, occurredAt, { eventId: eventIdOf(id) });
          expect(await store.observe(key, news)).toEqual({ written: true });
          expect((await store.observe(key, news)).written).toBe(false);
        }
        const record = await store.read(key);
        expect(record?.history.map((entry) => entry.eventId)).toEqual(ids);
        expect(record?.version).toBe(ids.length);
      });

      it('the history is in the order of the writes', async () => {
        const told = (state: 'SUBMITTED' | 'IN_PROGRESS', id: string, minutes: number, observedAt: number) =>
          observed(state, afterNoon(minutes), { eventId: eventIdOf(id), observedAt: afterNoon(observedAt) });
        await store.observe(key, told('SUBMITTED', 'z', 0, 5));
        await store.observe(key, told('IN_PROGRESS', 'a', 1, 5));
        await store.observe(key, told('SUBMITTED', 'm', 2, 4));
        const record = await store.read(key);
        expect(record?.history.map((entry) => entry.eventId)).toEqual(['z', 'a', 'm']);
      });

      it('only one of twenty equal observations takes effect', async () => {
        const results = await Promise.all(
          Array.from({ length: 20 }, () => store.observe(key, observed('SUBMITTED'))),
        );
        expect(results.filter((result) => result.written)).toHaveLength(1);
        expect(await store.read(key)).toMatchObject({ version: 1 });
      });

      it('simultaneous observations end in the state of the latest', async () => {
        const news = [
          observed('SUBMITTED'),
          observed('IN_PROGRESS', '2026-03-01T12:01:00Z'),
          observed('SUBMITTED', '2026-03-01T12:02:00Z'),
          observed('IN_PROGRESS', '2026-03-01T12:03:00Z'),
        ];
        // A write that others overtake is refused, although the record would take it. Its sender repeats it.
        const observe = async (each: Observation): Promise<void> => {
          const { written, stored } = { stored: undefined, ...(await store.observe(key, each)) };
          if (!written && stored && isUnread(stored, each)) await observe(each);
        };
        await Promise.all(news.toReversed().map(observe));
        expect(await store.read(key)).toMatchObject({ state: 'IN_PROGRESS', occurredAt: afterNoon(3) });
      });
    });

    describe('noteStale', () => {
      const older = observed('SUBMITTED', '2026-03-01T11:59:59.999999999Z', { observedAt: afterNoon(1) });
      const noted = { against: undefined, at: afterNoon(2) };

      it.each(['IN_PROGRESS', 'COMPLETED', 'EXPIRED'] as const)(
        'noteStale adds the entry to a later %s record, and changes nothing else',
        async (state) => {
          await store.observe(key, observed(state));
          const before = await store.read(key);
          const against = before?.position;
          expect(await store.noteStale(key, older, { ...noted, against })).toEqual({ written: true });
          expect(await store.read(key)).toEqual({
            ...before,
            history: [...(before?.history ?? []), staleEntry(older, against)],
            changes: [],
            updatedAt: afterNoon(2),
            version: 2,
          });
        },
      );

      it.each<[string, readonly Observation[], Observation]>([
        ['an unknown request', [], older],
        ['a later observation', [observed('SUBMITTED')], observed('IN_PROGRESS', '2026-03-01T12:01:00Z')],
        ['a tie', [observed('SUBMITTED')], observed('IN_PROGRESS')],
      ])('noteStale refuses %s and returns the stored record', async (_, known, news) => {
        for (const each of known) expect(await store.observe(key, each)).toEqual({ written: true });
        const stored = await store.read(key);
        expect(await store.noteStale(key, news, noted)).toEqual({ written: false, stored });
        expect(await store.read(key)).toEqual(stored);
      });

      it('noteStale keeps a reference that the record lacks', async () => {
        await store.observe(key, observed('IN_PROGRESS'));
        const stored = await store.read(key);
        const news = { ...older, reference: 'order 3' as Reference };
        await store.noteStale(key, news, noted);
        expect(await store.read(key)).toEqual(stored && staleVersion(stored, news, noted));
        expect((await store.read(key))?.reference).toBe('order 3');
      });

      it('noteStale shows an observation once that the history has already', async () => {
        await store.observe(key, older);
        await store.observe(key, observed('IN_PROGRESS'));
        await store.noteStale(key, older, noted);
        const stored = await store.read(key);
        expect(stored?.history.map(({ effect }) => effect)).toEqual(['applied', 'applied']);
        expect(stored?.state).toBe('IN_PROGRESS');
      });

      it('noteStale only counts an observation for which the history has no room', async () => {
        const { record } = applyObservation(newSession(key), observed('IN_PROGRESS'));
        const full = await written({ ...record, history: historyWithRoom(100) });
        const { position: against } = full;
        const first = { against, at: afterNoon(2) };
        expect(await store.noteStale(key, older, first)).toEqual({ written: true });
        const counted = await store.read(key);
        expect(counted).toEqual(staleVersion(full, older, first));
        expect(counted).toMatchObject({
          history: full.history,
          dropped: { count: 1, first: afterNoon(2), last: afterNoon(2) },
          changes: [],
        });
        const another = { ...older, eventId: eventIdOf('another') };
        await store.noteStale(key, another, { against, at: afterNoon(3) });
        expect((await store.read(key))?.dropped).toEqual({
          count: 2,
          first: afterNoon(2),
          last: afterNoon(3),
        });
      });

      it('noteStale leaves what a save has dropped before', async () => {
        const dropped = { count: 7, first: noon, last: noon };
        const { record } = applyObservation(newSession(key), observed('IN_PROGRESS'));
        await written({ ...record, history: historyWithRoom(100), dropped });
        await store.noteStale(key, older, noted);
        expect((await store.read(key))?.dropped).toEqual({ count: 8, first: noon, last: afterNoon(2) });
      });
    });

    describe('many writers', () => {
      const ids = new CountingIds();
      const now = () => instantFromMillis(Date.now());
      const dependencies = () => ({
        store,
        clock: { now: () => Date.now(), instant: now, wait: (millis: number) => wait(millis) },
        ids,
        chance: () => Math.random(),
        conflictBudget: 2_500,
      });

      it('two hundred writers of one record all succeed, or fail as transient', async () => {
        await written(newSession(key));
        const results = await Promise.allSettled(
          Array.from({ length: 200 }, (_, index) =>
            changeRecord(dependencies(), key, undefined, (stored) => {
              const entry = { kind: 'register', recordedAt: noon, effect: 'accepted', detail: {} } as const;
              const eventId = eventIdOf(`writer-${index}`);
              const record = stored ?? newSession(key);
              return { next: withEntry(record, { ...entry, eventId }), outcome: undefined };
            }),
          ),
        );
        const failures = results.flatMap((each) =>
          each.status === 'rejected' ? [each.reason as unknown] : [],
        );
        expect(failures.filter((failure) => !(failure instanceof TransientError))).toEqual([]);
        const stored = await store.read(key);
        const kept = (stored?.history.length ?? 0) + (stored?.dropped?.count ?? 0);
        expect(kept).toBe(1 + 200 - failures.length);
        expect(stored?.version).toBe(1 + 200 - failures.length);
      });

      it('of three senders of webhooks, one of older ones never waits, and each delivery is kept once', async () => {
        const webhook = (sender: string, number: number, millis: number) =>
          observed(number % 2 === 0 ? 'SUBMITTED' : 'IN_PROGRESS', plusMillis(noon, millis), {
            eventId: eventIdOf(`${sender}-${number}`),
            observedAt: noon,
          });
        await store.observe(key, webhook('first', 0, 1_000_000));
        const klarnaSendsAgain = (error: unknown) => {
          if (error instanceof TransientError) return 'again';
          throw error;
        };
        const send = async (sender: string, millisOfFirst: number, through = store) => {
          const verdicts = new Set<string>();
          for (let number = 1; number <= 40;) {
            const news = webhook(sender, number, millisOfFirst + 10 * number);
            const record = recordObservation({ ...dependencies(), store: through });
            const verdict = await record(key, news).catch(klarnaSendsAgain);
            verdicts.add(verdict);
            if (verdict !== 'again') number += 1;
          }
          return verdicts;
        };
        // A write of a decided version is the only one that another writer can keep waiting.
        const unversioned = new Proxy(store, {
          get: (target, name) =>
            name === 'save'
              ? () => Promise.reject(new Error('It decides on a version.'))
              : (Reflect.get(target, name) as (...asked: unknown[]) => unknown).bind(target),
        });
        // None of them outlives the test, so that it disturbs no other.
        const [older, ...others] = await Promise.allSettled([
          send('older', 0, unversioned),
          send('newer', 2_000_000),
          send('newest', 3_000_005),
        ]);
        expect(older).toEqual({ status: 'fulfilled', value: new Set(['stale']) });
        expect(others.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
        const stored = await store.read(key);
        expect((stored?.history.length ?? 0) + (stored?.dropped?.count ?? 0)).toBe(121);
      });
    });

    describe('register', () => {
      const made = () => ({ ...newSession(key), sessionId: parseSessionId('cart-1'), reference: 'order-1' });

      it('register makes a record for an unknown request', async () => {
        const record = made();
        expect(await store.register(record)).toEqual({ written: true, record });
        expect(await store.read(key)).toEqual(record);
      });

      it('register adds the session to a SUBMITTED request of which webhooks alone have told', async () => {
        await store.observe(key, observed('SUBMITTED', undefined, { previousState: 'IN_PROGRESS' }));
        const before = await store.read(key);
        if (!before) throw new Error('there is no record');
        const after = registeredVersion(before, made());
        expect(after).toMatchObject({
          state: 'SUBMITTED',
          version: 2,
          sequence: 2,
          deadlineAt: afterNoon(30),
        });
        expect(await store.register(made())).toEqual({ written: true, record: after });
        expect(await store.read(key)).toEqual(after);
        expect(after.dueAt).toBe(plusMillis(afterNoon(30), 60_000));
      });

      it.each([
        ['keeps its own reference', 'order-1', 'order-1'],
        ["keeps the reference of Klarna's webhook where it has none", undefined, 'order-9'],
      ])('register adds a session that %s', async (_, reference, kept) => {
        await store.observe(key, observed('SUBMITTED', undefined, { reference: 'order-9' as Reference }));
        const before = await store.read(key);
        const record = { ...made(), reference };
        expect(await store.register(record)).toMatchObject({ written: true, record: { reference: kept } });
        expect(await store.read(key)).toEqual(before && registeredVersion(before, record));
      });

      const known: readonly [string, (record: PaymentRequest) => PaymentRequest][] = [
        [
          'another state',
          (record) => applyObservation(record, observed('IN_PROGRESS', '2026-03-01T12:00:01Z')).record,
        ],
        ['a session', (record) => ({ ...record, session, deadlineAt: afterNoon(20), timer: 'armed' })],
        ['a session id', (record) => ({ ...record, sessionId: parseSessionId('cart-2') })],
        ['a cancellation', (record) => ({ ...record, cancellation: settledWith({ outcome: 'refused' }) })],
        ['an attention', (record) => ({ ...record, attention: 'not_found' })],
        [
          'an open question',
          (record) => ({ ...record, question: { about: 'tie', eventId: 'e' as EventId } }),
        ],
        ["Klarna's expiry", (record) => ({ ...record, klarnaExpiresAt: afterNoon(60) })],
      ];

      it.each(known)('register leaves a record with %s to a writer that reads it', async (_, change) => {
        await store.observe(key, observed('SUBMITTED'));
        const before = await store.read(key);
        if (!before) throw new Error('there is no record');
        const next = await written(versioned(change(before), before), before);
        expect(await store.register(made())).toEqual({ written: false, stored: next });
        expect(await store.read(key)).toEqual(next);
      });

      it('register writes once, and a repeated call finds its own write', async () => {
        const record = made();
        await store.register(record);
        const again = await store.register(record);
        expect(again).toEqual({ written: false, stored: record });
      });
    });

    describe('save', () => {
      it('save without a current record writes only if there is none', async () => {
        const record = await written(newSession(key));
        const other = { ...record, reference: 'another' };
        expect(await store.save(undefined, other)).toEqual({ written: false, stored: record });
        expect(await store.save(unknownPaymentRequest(key, noon), other)).toEqual({
          written: false,
          stored: record,
        });
        expect(await store.read(key)).toEqual(record);
      });

      it('save treats a record of version 0 as none', async () => {
        expect(await store.save(unknownPaymentRequest(key, noon), newSession(key))).toEqual({
          written: true,
        });
      });

      it('save stores the next version and removes what it leaves out', async () => {
        const first = await written({
          ...newSession(key),
          reference: 'order 17',
          attention: 'klarna_denied',
          attentionSince: noon,
          retryAt: afterNoon(3),
        });
        const next = await written(
          versioned(
            { ...first, attention: undefined, deadlineAt: undefined, retryAt: undefined, timer: 'none' },
            first,
            afterNoon(1),
          ),
          first,
        );
        const stored = await store.read(key);
        expect(stored).toEqual(next);
        expect([stored?.attention, stored?.attentionSince, stored?.deadlineAt, stored?.retryAt]).toEqual(
          Array(4).fill(undefined),
        );
      });

      it('save refuses an older version and returns the stored one', async () => {
        const first = await written(newSession(key));
        const second = await written(versioned({ ...first, timer: 'sweep' }, first, afterNoon(1)), first);
        const late = versioned({ ...first, timer: 'removed' }, first, afterNoon(2));
        expect(await store.save(first, late)).toEqual({ written: false, stored: second });
        expect(await store.read(key)).toEqual(second);
      });

      it('save refuses a version of a record that was deleted and made again', async () => {
        const stored = await written(newSession(key));
        const gone = { ...stored, version: 9 };
        expect(await store.save(gone, versioned(gone, gone))).toEqual({ written: false, stored });
        expect(await store.read(key)).toEqual(stored);
      });

      it('save refuses a version that a webhook has changed since', async () => {
        const first = await written(newSession(key));
        await store.observe(key, observed('COMPLETED', '2026-03-01T12:01:00Z'));
        const stored = await store.read(key);
        expect(await store.save(first, versioned({ ...first, timer: 'removed' }, first))).toEqual({
          written: false,
          stored,
        });
        expect(stored).toMatchObject({ state: 'COMPLETED', timer: 'armed', version: 2 });
      });

      it('save refuses a version that a stale webhook has changed since', async () => {
        const { record } = applyObservation(newSession(key), observed('IN_PROGRESS'));
        const first = await written(record);
        const older = observed('SUBMITTED', '2026-03-01T11:59:00Z');
        await store.noteStale(key, older, { against: first.position, at: afterNoon(1) });
        const stored = await store.read(key);
        expect(await store.save(first, versioned({ ...first, timer: 'removed' }, first))).toEqual({
          written: false,
          stored,
        });
      });

      it('save refuses a change to a record that does not exist', async () => {
        const record = newSession(key);
        expect(await store.save(record, versioned(record, record))).toEqual({
          written: false,
          stored: undefined,
        });
        expect(await store.read(key)).toBeUndefined();
      });

      it('only one of twenty saves of the same version is written, and its record tells whose', async () => {
        const first = await written(newSession(key));
        const results = await Promise.all(
          Array.from({ length: 20 }, (_, writer) =>
            store.save(
              first,
              asNextVersion(
                first,
                { ...first, reference: `writer ${writer}` },
                { id: `id-${writer}`, now: noon },
              ),
            ),
          ),
        );
        const [winner, ...others] = results.flatMap(({ written: done }, writer) => (done ? [writer] : []));
        expect(others).toEqual([]);
        const stored = await store.read(key);
        expect(stored).toMatchObject({ version: 2, reference: `writer ${winner}` });
        expect(stored?.writes.at(-1)).toBe(`id-${winner}`);
        for (const result of results) if (!result.written) expect(result.stored).toEqual(stored);
      });

      it('save adds to the history of a record that webhooks made', async () => {
        await store.observe(key, observed('EXPIRED'));
        const stored = await store.read(key);
        if (!stored) throw new Error('nothing is stored');
        const { record } = applyObservation(stored, observed('CANCELED', '2026-03-01T12:01:00Z'));
        const next = await written(versioned(record, stored, afterNoon(1)), stored);
        expect(await store.read(key)).toEqual(next);
        expect(next.history.map((entry) => entry.effect)).toEqual(['applied', 'contradicting']);
      });

      it('save shortens a history that is too long, and keeps what it says of it', async () => {
        const first = await written({ ...newSession(key), history: historyWithRoom(100) });
        const { record } = applyObservation(first, observed('IN_PROGRESS'));
        const next = await written(versioned(record, first), first);
        expect(next.dropped?.count).toBeGreaterThan(0);
        expect(next.history.length).toBeLessThan(first.history.length);
        expect(await store.read(key)).toEqual(next);
        const news = observed('SUBMITTED', '2026-03-01T12:05:00Z');
        expect(await store.observe(key, news)).toEqual({ written: true });
      });
    });

    describe('due', () => {
      const dueNow = async (now: Parameters<DuePaymentRequests['due']>[0]) => {
        const keys: PaymentRequestKey[] = [];
        for await (const each of store.due(now)) keys.push(each);
        return keys;
      };

      /** Earlier than any due time of another test. */
      const longAgo = instantFromMillis(0);

      it('due lists exactly the due records, each once', async () => {
        const keys = Array.from({ length: 30 }, () => newKey());
        const records = keys.map((each, index) => ({
          ...newSession(each),
          dueAt: index < 20 ? plusMillis(longAgo, index) : plusMillis(longAgo, 1000),
        }));
        await Promise.all(records.map((record) => written(record)));
        const found = await dueNow(plusMillis(longAgo, 500));
        const ids = (list: readonly PaymentRequestKey[]) =>
          list.map((each) => each.paymentRequestId).toSorted();
        expect(ids(found)).toEqual(ids(keys.slice(0, 20)));
        expect(found[0]).toEqual({
          account: 'shop-se',
          paymentRequestId: expect.stringMatching(/^krn:/) as string,
        });

        expect(await dueNow(plusMillis(longAgo, -1))).toEqual([]);
        expect(await dueNow(plusMillis(longAgo, 0))).toEqual(keys.slice(0, 1));

        await Promise.all(
          records.map((record) =>
            written({ ...record, dueAt: undefined, version: record.version + 1 }, record),
          ),
        );
        expect(await dueNow(plusMillis(longAgo, 5000))).toEqual([]);
      });
    });

    describe('ofSession', () => {
      const sessionId = 'cart 1' as SessionId;

      const membersOf = async (account: Account, session: SessionId) => {
        const keys: PaymentRequestKey[] = [];
        for await (const each of store.ofSession(account, session)) keys.push(each);
        return keys;
      };

      it('ofSession lists the requests of the session, oldest first', async () => {
        const account = 'shop-of-sessions' as Account;
        const [second, first, other] = [newKey(account), newKey(account), newKey(account)];
        await written({ ...newSession(second), sessionId, createdAt: afterNoon(1) });
        await written({ ...newSession(first), sessionId });
        await written({ ...newSession(other), sessionId: 'cart #2' as SessionId });
        await written({ ...newSession(newKey('shop-no')), sessionId });
        await written(newSession(newKey(account)));
        expect(await membersOf(account, sessionId)).toEqual([first, second]);
        expect(await membersOf(account, 'cart #3' as SessionId)).toEqual([]);
      });
    });

    describe('ofReference', () => {
      it('ofReference lists the requests with the reference, oldest first', async () => {
        const account = 'shop-of-references' as Account;
        const reference = 'order 17' as Reference;
        const [second, first, other] = [newKey(account), newKey(account), newKey(account)];
        await written({ ...newSession(second), reference, createdAt: afterNoon(1) });
        await written({ ...newSession(first), reference });
        await written({ ...newSession(other), reference: 'order 18' });
        await written({ ...newSession(newKey('shop-no')), reference });
        expect(await referencedBy(account, reference)).toEqual([first, second]);
        expect(await referencedBy(account, 'order 19' as Reference)).toEqual([]);
      });
    });

    describe('listed', () => {
      const listed = (selection: ListSelection, limit = 100, before?: ListCursor) =>
        store.listed(selection, before, limit);
      const open = (account: string): ListSelection => ({ by: 'open', account: account as Account });
      const idsIn = async (selection: ListSelection, limit?: number, before?: ListCursor) =>
        (await listed(selection, limit, before)).map(({ paymentRequestId }) => paymentRequestId);
      const idsOf = (...keys: readonly PaymentRequestKey[]) =>
        keys.map(({ paymentRequestId }) => paymentRequestId);

      it('an open record is listed until it is paid or over', async () => {
        const account = 'shop-that-moves';
        const [paid, over] = [newKey(account), newKey(account)];
        await written(newSession(paid));
        await written(newSession(over));
        expect(await idsIn(open(account))).toEqual(idsOf(over, paid));
        for (const each of [paid, over]) {
          await store.observe(each, observed('SUBMITTED', '2026-03-01T12:01:00Z'));
        }
        expect(await idsIn(open(account))).toEqual(idsOf(over, paid));
        await store.observe(paid, observed('COMPLETED', '2026-03-01T12:02:00Z'));
        expect(await idsIn(open(account))).toEqual(idsOf(over));
        const stored = await store.read(over);
        if (!stored) throw new Error('nothing is stored');
        const { record } = applyObservation(stored, observed('CANCELED', '2026-03-01T12:02:00Z'));
        await written(versioned(record, stored, afterNoon(2)), stored);
        expect(await idsIn(open(account))).toEqual([]);
      });

      it('the records of a session and those with a reference are listed in any state', async () => {
        const account = 'shop-that-remembers' as Account;
        const [first, second, other] = [newKey(account), newKey(account), newKey(account)];
        const sessionId = 'cart #1: å' as SessionId;
        const reference = 'order #1';
        await written({ ...newSession(first), sessionId, reference });
        await written({ ...newSession(second), sessionId, reference, createdAt: afterNoon(1) });
        await written({ ...newSession(other), sessionId: 'cart' as SessionId, reference: 'order' });
        await written({ ...newSession(newKey('shop-no')), sessionId, reference });
        await store.observe(first, observed('EXPIRED'));
        const selections: readonly ListSelection[] = [
          { by: 'session', account, sessionId },
          { by: 'reference', account, reference },
        ];
        for (const selection of selections) {
          expect(await idsIn(selection)).toEqual(idsOf(second, first));
          expect(await idsIn(selection, 1)).toEqual(idsOf(second));
          const [newest] = await listed(selection, 1);
          expect(await idsIn(selection, 100, newest?.position)).toEqual(idsOf(first));
        }
        expect(await idsIn({ by: 'session', account, sessionId: 'none' as SessionId })).toEqual([]);
        expect(await idsIn({ by: 'reference', account, reference: 'none' })).toEqual([]);
      });

      it('records that need a person are listed by the time since when, of one account or of all', async () => {
        const account = 'shop-in-need' as Account;
        const [early, late, none] = [newKey(account), newKey(account), newKey(account)];
        const elsewhere = newKey('shop-in-need-too');
        const since = { attention: 'not_found' } as const;
        await written({ ...newSession(late), ...since, attentionSince: afterNoon(9_003) });
        await written({
          ...newSession(early),
          ...since,
          attentionSince: afterNoon(9_001),
          createdAt: afterNoon(5),
        });
        await written({ ...newSession(elsewhere), ...since, attentionSince: afterNoon(9_002) });
        await written(newSession(none));
        expect(await idsIn({ by: 'attention', account })).toEqual(idsOf(late, early));
        const all = await listed({ by: 'attention' });
        const three = all.filter(({ account: its }) => its.startsWith('shop-in-need'));
        expect(idsOf(...three)).toEqual(idsOf(late, elsewhere, early));
        expect(await idsIn({ by: 'attention' }, 2, three[0]?.position)).toEqual(idsOf(elsewhere, early));
        const stored = await store.read(late);
        if (!stored) throw new Error('nothing is stored');
        await written(versioned({ ...stored, attention: undefined }, stored), stored);
        expect(await idsIn({ by: 'attention', account })).toEqual(idsOf(early));
      });

      it('listed has the newest first, and continues after a cursor', async () => {
        const account = 'shop-that-lists';
        const keys = Array.from({ length: 9 }, () => newKey(account));
        for (const [index, each] of keys.entries()) {
          // Three records each have the same time of creation, so the id decides.
          const observedAt = afterNoon(Math.floor(index / 3));
          await store.observe(each, observed('SUBMITTED', undefined, { observedAt }));
        }
        await store.observe(newKey('shop-no'), observed('SUBMITTED'));
        const all = await listed(open(account));
        expect(idsOf(...all)).toEqual(
          idsOf(...keys)
            .toSorted(byCreation)
            .toReversed(),
        );
        const pages = [];
        for (let before; ; before = pages.at(-1)?.position) {
          const page = await listed(open(account), 2, before);
          if (page.length === 0) break;
          pages.push(...page);
        }
        expect(pages).toEqual(all);
        expect(await listed(open('shop-that-lists-nothing'))).toEqual([]);

        function byCreation(a: PaymentRequestId, b: PaymentRequestId): number {
          const placeOf = (id: PaymentRequestId) => Math.floor(idsOf(...keys).indexOf(id) / 3);
          return placeOf(a) - placeOf(b) || (a < b ? -1 : 1);
        }
      });

      it('the cursor of a record never changes', async () => {
        const account = 'shop-that-stays';
        const each = newKey(account);
        await store.observe(each, observed('SUBMITTED'));
        const [before] = await listed(open(account));
        await store.observe(each, observed('IN_PROGRESS', '2026-03-01T13:00:00Z'));
        expect(await listed(open(account))).toEqual([before]);
      });
    });
  });
}
