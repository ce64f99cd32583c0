import { setTimeout as wait } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { changeRecord } from '../../../functions/application/change-record.ts';
import type {
  DuePaymentRequests,
  PaymentRequestList,
  PaymentRequestStore,
  SessionPaymentRequests,
} from '../../../functions/application/ports.ts';
import { recordObservation } from '../../../functions/application/record-observation.ts';
import { claimed } from '../../../functions/domain/cancellation.ts';
import {
  type Account,
  type PaymentRequestId,
  type PaymentRequestKey,
  parseEventId,
  parseSessionId,
  type SessionId,
} from '../../../functions/domain/identifiers.ts';
import { instantFromMillis, plusMillis } from '../../../functions/domain/instant.ts';
import type { Observation } from '../../../functions/domain/observation.ts';
import {
  asNextVersion,
  type PaymentRequest,
  unknownPaymentRequest,
  withEntry,
} from '../../../functions/domain/payment-request.ts';
import { TransientError } from '../../../functions/domain/transient-error.ts';
import { applyObservation, staleEntry } from '../../../functions/domain/transition.ts';
import { decideRegistration } from '../../../functions/domain/registration.ts';
import { at, noon, observed, registrationWith } from '../../support/fixtures.ts';
import { afterNoon, policy, settledWith } from '../../support/sessions.ts';

let requests = 0;

/** A Payment Request that no other test uses. */
export function newKey(account = 'shop-se'): PaymentRequestKey {
  requests += 1;
  return {
    account: account as Account,
    paymentRequestId: `krn:payment:eu1:request:${requests}` as PaymentRequestId,
  };
}

/** A record that was registered at noon for half an hour. */
export function newSession(key: PaymentRequestKey): PaymentRequest {
  const eventId = parseEventId('register:1');
  if (!eventId) throw new Error('no event id');
  const { next } = decideRegistration(undefined, key, registrationWith(), { policy, eventId, now: noon });
  if (!next) throw new Error('not registered');
  return next;
}

type Store = PaymentRequestStore & DuePaymentRequests & SessionPaymentRequests & PaymentRequestList;

/** The contract of a store of Payment Requests. Each test uses its own records, so that all can share one store. */
export function describePaymentRequestStore(name: string, open: () => Promise<Store>): void {
  describe(`the store of Payment Requests, ${name}`, () => {
    let store: Store;
    let key: PaymentRequestKey;

    beforeEach(async () => {
      store = await open();
      key = newKey();
    });

    const written = async (record: PaymentRequest, current?: PaymentRequest) => {
      expect(await store.save(current, record)).toEqual({ written: true });
      return record;
    };

    describe('read', () => {
      it('read returns undefined for an unknown request', async () => {
        expect(await store.read(key)).toBeUndefined();
      });

      it('read returns the whole record', async () => {
        const { record } = applyObservation(
          newSession(key),
          observed('IN_PROGRESS', '2026-03-01T12:00:01.123456789Z', {
            previousState: 'SUBMITTED',
            stateReason: 'R',
            klarnaExpiresAt: afterNoon(180),
            proof: { body_sha256: 'ab'.repeat(32) },
          }),
        );
        const whole = await written({
          ...claimed(
            record,
            { cause: 'api', reason: 'r', requestedBy: 'b', allowCompleted: true },
            'l',
            noon,
          ),
          sessionId: parseSessionId('session 1: å'),
          reference: 'köp "17"',
          attention: 'klarna_denied',
          attempts: 3,
          historyDropped: 2,
        });
        expect(await store.read(key)).toEqual(whole);
      });

      it('read returns no record of another account', async () => {
        await store.observe(key, observed('SUBMITTED'));
        expect(await store.read({ ...key, account: 'shop-no' as Account })).toBeUndefined();
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
          version: 1,
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
          state: 'IN_PROGRESS',
          occurredAt: news.occurredAt,
          position: `0|${news.occurredAt}|${news.eventId}`,
          evidence: { source: 'webhook', eventId: news.eventId, observedAt: news.observedAt },
          updatedAt: news.observedAt,
          version: 2,
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
        ['a lower rank', [observed('COMPLETED')], observed('IN_PROGRESS', '2026-03-01T13:00:00Z')],
        ['the same end again', [observed('CANCELED')], observed('CANCELED', '2026-03-01T13:00:00Z')],
        ['another end', [observed('CANCELED')], observed('EXPIRED', '2026-03-01T13:00:00Z')],
        ['a payment after the end', [observed('CANCELED')], observed('COMPLETED', '2026-03-01T13:00:00Z')],
        ['the end of a paid request', [observed('COMPLETED')], observed('CANCELED', '2026-03-01T13:00:00Z')],
      ])('observe refuses %s and returns the stored record', async (_, known, news) => {
        for (const each of known) expect(await store.observe(key, each)).toEqual({ written: true });
        const stored = await store.read(key);
        expect(await store.observe(key, news)).toEqual({ written: false, stored });
        expect(await store.read(key)).toEqual(stored);
      });

      it('observe removes a previous state and a reason that are no longer reported', async () => {
        const first = observed('SUBMITTED', undefined, { previousState: 'IN_PROGRESS', stateReason: 'R' });
        await store.observe(key, first);
        await store.observe(key, observed('IN_PROGRESS', '2026-03-01T12:01:00Z'));
        const record = await store.read(key);
        expect([record?.previousState, record?.stateReason]).toEqual([undefined, undefined]);
      });

      it.each(['SUBMITTED', 'IN_PROGRESS'] as const)(
        'observe makes an unregistered request in state %s due at once',
        async (state) => {
          await store.observe(key, observed(state));
          expect((await store.read(key))?.reconcileAfter).toBe(noon);
        },
      );

      it('observe neither delays a due record nor makes a paid one due', async () => {
        await written(newSession(key));
        await store.observe(key, observed('SUBMITTED', '2026-03-01T13:00:00Z'));
        expect((await store.read(key))?.reconcileAfter).toBe(afterNoon(1));
        const paid = newKey();
        await store.observe(paid, observed('COMPLETED'));
        expect((await store.read(paid))?.reconcileAfter).toBeUndefined();
      });

      it('observe keeps all legal event ids apart', async () => {
        const ids = ['a', 'A', '#n', ':v', 'h#a', '"', '~'.repeat(128), '__proto__', 'state', 'version'];
        for (const [second, id] of ids.entries()) {
          const eventId = parseEventId(id);
          if (!eventId) throw new Error(`${id} is not an event id`);
          const occurredAt = `2026-03-01T12:00:0${second}Z`;
          const news = observed('SUBMITTED', occurredAt, { eventId });
          expect(await store.observe(key, news)).toEqual({ written: true });
          expect((await store.observe(key, news)).written).toBe(false);
        }
        const record = await store.read(key);
        expect(record?.history.map((entry) => entry.eventId)).toEqual(ids);
        expect(record?.version).toBe(ids.length);
      });

      it('the history is ordered by recorded time, then by event id', async () => {
        const told = (id: string, occurredAt: string, observedAt: string) => {
          const eventId = parseEventId(id);
          if (!eventId) throw new Error(`${id} is not an event id`);
          return observed('SUBMITTED', occurredAt, { eventId, observedAt: at(observedAt) });
        };
        await store.observe(key, told('z', '2026-03-01T12:00:00Z', '2026-03-01T12:05:00Z'));
        await store.observe(key, told('a', '2026-03-01T12:00:01Z', '2026-03-01T12:05:00Z'));
        await store.observe(key, told('m', '2026-03-01T12:00:02Z', '2026-03-01T12:04:00Z'));
        const record = await store.read(key);
        expect(record?.history.map((entry) => entry.eventId)).toEqual(['m', 'a', 'z']);
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
        await Promise.all(news.toReversed().map((each) => store.observe(key, each)));
        expect(await store.read(key)).toMatchObject({ state: 'IN_PROGRESS', occurredAt: afterNoon(3) });
      });
    });

    describe('noteStale', () => {
      const older = observed('SUBMITTED', '2026-03-01T11:59:59.999999999Z', { observedAt: afterNoon(1) });
      const noted = { against: undefined, at: afterNoon(2) };

      it.each(['IN_PROGRESS', 'COMPLETED', 'CANCELED'] as const)(
        'noteStale adds the entry to a later %s record, and changes nothing else',
        async (state) => {
          await store.observe(key, observed(state));
          const before = await store.read(key);
          const against = before?.position;
          expect(await store.noteStale(key, older, { ...noted, against })).toEqual({ written: true });
          expect(await store.read(key)).toEqual({
            ...before,
            history: [...(before?.history ?? []), staleEntry(older, against)],
            updatedAt: afterNoon(2),
            version: 2,
          });
        },
      );

      it.each<[string, readonly Observation[], Observation]>([
        ['an unknown request', [], older],
        ['an observation that the history has', [older, observed('IN_PROGRESS')], older],
        ['a later observation', [observed('SUBMITTED')], observed('IN_PROGRESS', '2026-03-01T12:01:00Z')],
        ['a tie', [observed('SUBMITTED')], observed('IN_PROGRESS')],
      ])('noteStale refuses %s and returns the stored record', async (_, known, news) => {
        for (const each of known) expect(await store.observe(key, each)).toEqual({ written: true });
        const stored = await store.read(key);
        expect(await store.noteStale(key, news, noted)).toEqual({ written: false, stored });
        expect(await store.read(key)).toEqual(stored);
      });
    });

    describe('many writers', () => {
      const now = () => instantFromMillis(Date.now());
      const dependencies = () => ({
        store,
        clock: { now: () => Date.now(), instant: now, wait: (millis: number) => wait(millis) },
        chance: () => Math.random(),
        conflictBudget: 2_500,
      });
      const eventIdOf = (name: string) => {
        const eventId = parseEventId(name);
        if (!eventId) throw new Error(`${name} is not an event id`);
        return eventId;
      };

      it('two hundred writers of one record all succeed, or fail as transient within the time limit of the API', async () => {
        await written(newSession(key));
        const begin = performance.now();
        const results = await Promise.allSettled(
          Array.from({ length: 200 }, (_, index) =>
            changeRecord(dependencies(), key, undefined, (stored) => {
              const entry = { kind: 'register', recordedAt: noon, effect: 'accepted', detail: {} } as const;
              const eventId = eventIdOf(`writer-${index}`);
              const record = stored ?? newSession(key);
              return {
                next: asNextVersion(withEntry(record, { ...entry, eventId }), noon),
                outcome: undefined,
              };
            }),
          ),
        );
        const failures = results.flatMap((each) =>
          each.status === 'rejected' ? [each.reason as unknown] : [],
        );
        expect(failures.filter((failure) => !(failure instanceof TransientError))).toEqual([]);
        const stored = await store.read(key);
        expect(stored?.history).toHaveLength(1 + 200 - failures.length);
        expect(stored?.version).toBe(1 + 200 - failures.length);
        // The shortest time limit of a function behind the API.
        expect(performance.now() - begin).toBeLessThan(10_000);
      });

      it('three senders of webhooks, one of them of older ones, never wait for each other', async () => {
        const webhook = (sender: string, number: number, millis: number) =>
          observed(number % 2 === 0 ? 'SUBMITTED' : 'IN_PROGRESS', plusMillis(noon, millis), {
            eventId: eventIdOf(`${sender}-${number}`),
            observedAt: noon,
          });
        await store.observe(key, webhook('first', 0, 1_000_000));
        const send = async (sender: string, millisOfFirst: number) => {
          const verdicts: string[] = [];
          for (let number = 1; number <= 40; number += 1) {
            const news = webhook(sender, number, millisOfFirst + 10 * number);
            verdicts.push(await recordObservation({ ...dependencies(), conflictBudget: 500 })(key, news));
          }
          return verdicts;
        };
        const [older] = await Promise.all([
          send('older', 0),
          send('newer', 2_000_000),
          send('newest', 3_000_005),
        ]);
        expect(new Set(older)).toEqual(new Set(['stale']));
        expect((await store.read(key))?.history).toHaveLength(121);
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
        });
        const next = await written(
          asNextVersion(
            { ...first, attention: undefined, reconcileAfter: undefined, timer: 'armed' },
            afterNoon(1),
          ),
          first,
        );
        const stored = await store.read(key);
        expect(stored).toEqual(next);
        expect([stored?.attention, stored?.reconcileAfter]).toEqual([undefined, undefined]);
      });

      it('save refuses an older version and returns the stored one', async () => {
        const first = await written(newSession(key));
        const second = await written(asNextVersion({ ...first, timer: 'armed' }, afterNoon(1)), first);
        const late = asNextVersion({ ...first, timer: 'removed' }, afterNoon(2));
        expect(await store.save(first, late)).toEqual({ written: false, stored: second });
        expect(await store.read(key)).toEqual(second);
      });

      it('save refuses a version of a record that was deleted and made again', async () => {
        const stored = await written(newSession(key));
        const gone = { ...stored, version: 9 };
        expect(await store.save(gone, asNextVersion(gone, noon))).toEqual({ written: false, stored });
        expect(await store.read(key)).toEqual(stored);
      });

      it('save refuses a version that a webhook has changed since', async () => {
        const first = await written(newSession(key));
        await store.observe(key, observed('COMPLETED', '2026-03-01T12:01:00Z'));
        const stored = await store.read(key);
        expect(await store.save(first, asNextVersion({ ...first, timer: 'armed' }, noon))).toEqual({
          written: false,
          stored,
        });
        expect(stored).toMatchObject({ state: 'COMPLETED', timer: 'pending', version: 2 });
      });

      it('save refuses a change to a record that does not exist', async () => {
        const record = newSession(key);
        expect(await store.save(record, asNextVersion(record, noon))).toEqual({
          written: false,
          stored: undefined,
        });
        expect(await store.read(key)).toBeUndefined();
      });

      it('only one of twenty saves of the same version is written', async () => {
        const first = await written(newSession(key));
        const results = await Promise.all(
          Array.from({ length: 20 }, (_, writer) =>
            store.save(first, asNextVersion({ ...first, reference: `writer ${writer}` }, noon)),
          ),
        );
        expect(results.filter((result) => result.written)).toHaveLength(1);
        expect(await store.read(key)).toMatchObject({ version: 2 });
      });

      it('save adds to the history of a record that webhooks made', async () => {
        await store.observe(key, observed('CANCELED'));
        const stored = await store.read(key);
        if (!stored) throw new Error('nothing is stored');
        const { record } = applyObservation(stored, observed('EXPIRED', '2026-03-01T12:01:00Z'));
        const next = await written(asNextVersion(record, afterNoon(1)), stored);
        expect(await store.read(key)).toEqual(next);
        expect(next.history.map((entry) => entry.effect)).toEqual(['applied', 'contradicting']);
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
          reconcileAfter: index < 20 ? plusMillis(longAgo, index) : plusMillis(longAgo, 1000),
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
            written(asNextVersion({ ...record, reconcileAfter: undefined }, noon), record),
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

    describe('listed', () => {
      const listed = async (
        account: string,
        states: Parameters<PaymentRequestList['listed']>[1],
        limit = 100,
        before?: Parameters<PaymentRequestList['listed']>[2],
      ) => store.listed(account as Account, states, before, limit);

      it('listed follows a record from state to state', async () => {
        const account = 'shop-that-moves';
        const key = newKey(account);
        const where = async () => ({
          unseen: (await listed(account, [undefined])).length,
          submitted: (await listed(account, ['SUBMITTED'])).length,
          canceled: (await listed(account, ['CANCELED'])).length,
        });
        await written(newSession(key));
        expect(await where()).toEqual({ unseen: 1, submitted: 0, canceled: 0 });
        await store.observe(key, observed('SUBMITTED', '2026-03-01T12:01:00Z'));
        expect(await where()).toEqual({ unseen: 0, submitted: 1, canceled: 0 });
        const stored = await store.read(key);
        if (!stored) throw new Error('nothing is stored');
        const { record } = applyObservation(stored, observed('CANCELED', '2026-03-01T12:02:00Z'));
        await written(asNextVersion(record, afterNoon(2)), stored);
        expect(await where()).toEqual({ unseen: 0, submitted: 0, canceled: 1 });
      });

      it('listed has the newest first over all requested states, and continues after a cursor', async () => {
        const account = 'shop-that-lists';
        const keys = Array.from({ length: 9 }, () => newKey(account));
        for (const [index, each] of keys.entries()) {
          const state = (['SUBMITTED', 'COMPLETED', 'EXPIRED'] as const)[index % 3] ?? 'SUBMITTED';
          // Three records each have the same time of creation, so the id decides.
          const observedAt = afterNoon(Math.floor(index / 3));
          await store.observe(each, observed(state, undefined, { observedAt }));
        }
        await store.observe(newKey('shop-no'), observed('SUBMITTED'));
        const all = await listed(account, ['SUBMITTED', 'COMPLETED', 'EXPIRED']);
        expect(all.map(({ paymentRequestId }) => paymentRequestId)).toEqual(
          keys.map(({ paymentRequestId }) => paymentRequestId).toReversed(),
        );
        const pages = [];
        for (let before; ; before = pages.at(-1)?.position) {
          const page = await listed(account, ['SUBMITTED', 'COMPLETED', 'EXPIRED'], 2, before);
          if (page.length === 0) break;
          pages.push(...page);
        }
        expect(pages).toEqual(all);
        expect(await listed(account, ['EXPIRED'])).toHaveLength(3);
        expect(await listed(account, [])).toEqual([]);
      });

      it('the cursor of a record never changes', async () => {
        const account = 'shop-that-stays';
        const each = newKey(account);
        await store.observe(each, observed('SUBMITTED'));
        const [before] = await listed(account, ['SUBMITTED']);
        await store.observe(each, observed('COMPLETED', '2026-03-01T13:00:00Z'));
        expect(await listed(account, ['COMPLETED'])).toEqual([before]);
      });
    });
  });
}
