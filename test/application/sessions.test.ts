import { beforeEach, describe, expect, it } from 'vitest';
import { cancelSession, type SessionCancelDependencies } from '../../functions/application/cancel-session.ts';
import type { OnUnreadable } from '../../functions/application/ports.ts';
import { readSession } from '../../functions/application/read-session.ts';
import type {
  EventId,
  PaymentRequestId,
  PaymentRequestKey,
  SessionId,
} from '../../functions/domain/identifiers.ts';
import { plusMillis } from '../../functions/domain/instant.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import { UnreadableRecordError } from '../../functions/domain/unreadable-record-error.ts';
import { account, noon, recordWith, settingsWith } from '../support/fixtures.ts';
import { InMemoryPaymentRequestStore } from '../support/in-memory-payment-request-store.ts';
import type { IdempotentCall } from '../../functions/domain/idempotent-call.ts';
import { cancellationWith, minute, unkeyed } from '../support/sessions.ts';
import { CountingIds, retries, VirtualClock } from '../support/virtual-clock.ts';

const sessionId = 'cart-1' as SessionId;
const idOf = (name: string) => `krn:payment:eu1:request:${name}` as PaymentRequestId;

let store: InMemoryPaymentRequestStore;
let clock: VirtualClock;
let ended: PaymentRequestKey[];
let faults: unknown[];

beforeEach(() => {
  store = new InMemoryPaymentRequestStore();
  clock = new VirtualClock();
  ended = [];
  faults = [];
});

let made = 0;

async function member(state: PaymentRequestState | undefined, fields: Partial<PaymentRequest> = {}) {
  made += 1;
  const record = recordWith({
    paymentRequestId: idOf(String(made)),
    state,
    sessionId,
    createdAt: plusMillis(noon, made),
    ...fields,
  });
  await store.save(undefined, record);
  return record;
}

const read = () => readSession({ store, sessions: store })(account, sessionId);

const command = { cause: 'api', requestedBy: 'test', allowCompleted: false } as const;

const endOnce = (
  call: IdempotentCall | undefined,
  cancel?: SessionCancelDependencies['cancel'],
  isDryRun = false,
) =>
  cancelSession({
    ...retries,
    store,
    sessions: store,
    clock,
    ids: new CountingIds(),
    isDryRun,
    onFault: (_, error) => void faults.push(error),
    cancel:
      cancel ??
      ((key) => {
        ended.push(key);
        return Promise.resolve({ outcome: 'canceled', record: recordWith({ ...key, state: 'CANCELED' }) });
      }),
  })(sessionId, command, settingsWith(), call);

const end = async (cancel?: SessionCancelDependencies['cancel'], isDryRun = false) =>
  unkeyed(await endOnce(undefined, cancel, isDryRun));

describe('readSession', () => {
  it('a session has its own requests, oldest first', async () => {
    const records = [await member('EXPIRED'), await member('SUBMITTED'), await member(undefined)];
    await member('SUBMITTED', { sessionId: 'cart-2' as SessionId });
    expect(await read()).toEqual(records);
  });

  it('the requests of a session are sorted by creation time, and equal times keep the order of the index', async () => {
    const first = await member('SUBMITTED');
    const second = await member('SUBMITTED');
    const third = await member('SUBMITTED', { createdAt: second.createdAt });
    const fourth = await member('SUBMITTED');
    const sessions = {
      async *ofSession() {
        for (const each of [fourth, second, first, third]) yield await Promise.resolve(each);
      },
    };
    expect(await readSession({ store, sessions })(account, sessionId)).toEqual([
      first,
      second,
      third,
      fourth,
    ]);
  });

  it('a session without registrations has no requests', async () => {
    expect(await read()).toEqual([]);
  });

  it('a session leaves out requests that were deleted or moved to another session since the index was written', async () => {
    const moved = await member('SUBMITTED');
    const sessions = {
      async *ofSession() {
        yield await Promise.resolve(moved);
        yield { account, paymentRequestId: idOf('gone') };
      },
    };
    await store.save(moved, { ...moved, sessionId: 'cart-2' as SessionId, version: 2 });
    expect(await readSession({ store, sessions })(account, sessionId)).toEqual([]);
  });
});

describe('cancelSession', () => {
  it('a cancel of a session cancels its open requests and leaves paid and final requests as they are', async () => {
    const states = [
      'SUBMITTED',
      'COMPLETED',
      undefined,
      'CANCELED',
      'IN_PROGRESS',
      'EXPIRED',
      'DECLINED',
    ] as const;
    for (const state of states) await member(state);
    const before = await read();
    const members = await end();
    expect(members.map(({ outcome }) => outcome)).toEqual([
      'canceled',
      'already_final',
      'canceled',
      'already_canceled',
      'canceled',
      'already_final',
      'already_final',
    ]);
    expect(ended).toHaveLength(3);
    const after = await read();
    expect(members[1]).toMatchObject({ outcome: 'already_final', state: 'COMPLETED', record: after[1] });
    expect(members[3]).toMatchObject({ outcome: 'already_canceled', record: after[3] });
    const noted = [0, 1, 0, 1, 0, 1, 1];
    expect(after).toEqual(
      before.map((record, index) => ({
        ...record,
        history: noted[index]
          ? [expect.objectContaining({ kind: 'cancel_request', effect: 'noted' }) as unknown]
          : [],
        ...(noted[index] && {
          version: 2,
          writes: [expect.any(String) as unknown],
          updatedAt: clock.instant(),
          attentionSince: undefined,
          // The sweep looks once at a paid request that was not registered.
          dueAt: record.state === 'COMPLETED' ? clock.instant() : undefined,
        }),
      })),
    );
    expect(after[1]?.history).toMatchObject([
      {
        eventId: expect.stringMatching(/^response:[0-9a-f]{12}$/) as string,
        recordedAt: clock.instant(),
        detail: { outcome: 'spared', requested_by: 'test' },
      },
    ]);
  });

  it('a paid request whose cancel is under way is not reported as final', async () => {
    const cancellation = cancellationWith({ lease: { id: 'theirs', until: plusMillis(noon, 30_000) } });
    const record = await member('COMPLETED', { cancellation });
    const members = await end(() => Promise.resolve({ outcome: 'pending', record }));
    expect(members).toMatchObject([{ outcome: 'pending' }]);
    expect(await read()).toEqual([record]);
  });

  it('a cancel of a session passes each record on, so that it is not read twice', async () => {
    const record = await member('SUBMITTED');
    const passedOn: unknown[] = [];
    await end((key, ...asked) => {
      passedOn.push(asked[2]);
      return Promise.resolve({ outcome: 'canceled', record: recordWith({ ...key, state: 'CANCELED' }) });
    });
    expect(passedOn).toEqual([record]);
  });

  it('a dry run of a session cancel writes nothing', async () => {
    const record = await member('COMPLETED');
    const members = await end(undefined, true);
    expect(members).toMatchObject([{ outcome: 'already_final', state: 'COMPLETED', record }]);
    expect(await read()).toEqual([record]);
  });

  it('a paid request is reported even if that cannot be noted or its record is deleted', async () => {
    const record = await member('COMPLETED');
    const save = store.save.bind(store);
    store.save = () => Promise.reject(new Error('throttled'));
    const response = { outcome: 'already_final', state: 'COMPLETED', record };
    expect(await end()).toMatchObject([response]);
    expect(faults).toEqual([new Error('throttled')]);
    store.save = (...args) => {
      store.records.clear();
      return save(...args);
    };
    expect(await end()).toMatchObject([response]);
    expect(store.records.size).toBe(0);
    expect(faults).toHaveLength(1);
  });

  it('a cancel of a session without registrations returns no outcome', async () => {
    expect(await end()).toEqual([]);
  });

  it('a cancel of a session with a record that cannot be read ends the others and then fails', async () => {
    const poisoned = await member('SUBMITTED');
    const other = await member('SUBMITTED');
    const fault = new UnreadableRecordError(poisoned, ['v']);
    const all = store.readAll.bind(store);
    store.readAll = async (keys, onUnreadable?: OnUnreadable) => {
      onUnreadable?.(fault);
      return (await all(keys)).filter(({ paymentRequestId }) => paymentRequestId === other.paymentRequestId);
    };
    await expect(end()).rejects.toBe(fault);
    expect(ended.map(({ paymentRequestId }) => paymentRequestId)).toEqual([other.paymentRequestId]);
  });

  it('a cancel of a session continues if one request fails, and reports that one as untried', async () => {
    for (let each = 0; each < 8; each += 1) await member('SUBMITTED');
    const broken = (await read())[2];
    const members = await end((key) =>
      key.paymentRequestId === broken?.paymentRequestId
        ? Promise.reject(new Error('throttled'))
        : Promise.resolve({ outcome: 'canceled', record: recordWith({ ...key, state: 'CANCELED' }) }),
    );
    expect(members.map(({ outcome }) => outcome)).toEqual(
      Array.from({ length: 8 }, (_, index) => (index === 2 ? 'untried' : 'canceled')),
    );
    expect(faults).toEqual([new Error('throttled')]);
  });

  it('a cancel of a session starts nothing that would exceed its time, and reports those requests as untried', async () => {
    for (let each = 0; each < 12; each += 1) await member('SUBMITTED');
    await member('COMPLETED');
    const members = await end(async (key) => {
      ended.push(key);
      await clock.wait(6_000);
      return { outcome: 'pending', record: recordWith({ ...key, state: 'SUBMITTED' }) };
    });
    const kinds = members.map(({ outcome }) => outcome);
    expect(kinds.filter((kind) => kind === 'pending')).toHaveLength(ended.length);
    expect(kinds.filter((kind) => kind === 'untried')).toHaveLength(12 - ended.length);
    expect(ended.length).toBeLessThan(12);
    expect(kinds.at(-1)).toBe('already_final');
    expect((await read()).at(-1)?.history).toEqual([]);
  });

  it('a cancel of a session starts nothing from the tenth second on', async () => {
    await member('SUBMITTED');
    await member('SUBMITTED');
    const members = await end(async (key) => {
      await clock.wait(10_000);
      return { outcome: 'pending', record: recordWith({ ...key, state: 'SUBMITTED' }) };
    });
    expect(members.map(({ outcome }) => outcome)).toEqual(['pending', 'untried']);
  });
});

describe('cancelSession with a key', () => {
  const call = { key: '0123456789abcdef', request: 'fedcba9876543210' };
  const outcomesOf = (members: Awaited<ReturnType<typeof endOnce>>) =>
    unkeyed(members).map(({ outcome }) => outcome);

  it('a repetition returns the first outcomes, does nothing, and leaves a newer attempt of the session alone', async () => {
    await member('SUBMITTED');
    await member('COMPLETED');
    clock.advance(minute);
    const first = outcomesOf(await endOnce(call));
    expect(first).toEqual(['canceled', 'already_final']);
    await member('SUBMITTED', { createdAt: plusMillis(clock.instant(), 1) });
    clock.advance(minute);
    expect(outcomesOf(await endOnce(call))).toEqual(first);
    expect(ended).toHaveLength(1);
    expect(outcomesOf(await endOnce({ ...call, key: 'f'.repeat(16) }))).toEqual([
      'canceled',
      'already_final',
      'canceled',
    ]);
  });

  it('a repetition cancels what the first call met and did not settle', async () => {
    await member('SUBMITTED');
    const second = await member('SUBMITTED');
    clock.advance(minute);
    const failing: SessionCancelDependencies['cancel'] = (key) =>
      key.paymentRequestId === second.paymentRequestId
        ? Promise.reject(new Error('throttled'))
        : Promise.resolve({ outcome: 'canceled', record: recordWith({ ...key, state: 'CANCELED' }) });
    expect(outcomesOf(await endOnce(call, failing))).toEqual(['canceled', 'untried']);
    expect(outcomesOf(await endOnce(call))).toEqual(['canceled', 'canceled']);
    expect(ended.map(({ paymentRequestId }) => paymentRequestId)).toEqual([second.paymentRequestId]);
  });

  it('a repetition of a cancel that settled nothing leaves a newer attempt alone', async () => {
    const first = await member('SUBMITTED');
    clock.advance(minute);
    const unclear: SessionCancelDependencies['cancel'] = () =>
      Promise.resolve({ outcome: 'pending', record: first });
    expect(outcomesOf(await endOnce(call, unclear))).toEqual(['pending']);
    await member('SUBMITTED', { createdAt: plusMillis(clock.instant(), 1) });
    clock.advance(minute);
    expect(outcomesOf(await endOnce(call))).toEqual(['canceled']);
    expect(ended.map(({ paymentRequestId }) => paymentRequestId)).toEqual([first.paymentRequestId]);
  });

  it('a request that a webhook told of before, and that joins the session after the first call, is a newer attempt', async () => {
    await member('SUBMITTED');
    clock.advance(minute);
    expect(outcomesOf(await endOnce(call))).toEqual(['canceled']);
    clock.advance(minute);
    const registered = {
      eventId: 'register:1' as EventId,
      kind: 'register',
      effect: 'accepted',
      recordedAt: clock.instant(),
      detail: {},
    } as const;
    await member('SUBMITTED', { createdAt: noon, history: [registered] });
    expect(outcomesOf(await endOnce(call))).toEqual(['canceled']);
    expect(ended).toHaveLength(1);
  });

  it('a record that cannot note the call is untried, and the others are canceled', async () => {
    const first = await member('SUBMITTED');
    await member('SUBMITTED');
    const save = store.save.bind(store);
    store.save = (known, next) =>
      next.paymentRequestId === first.paymentRequestId
        ? Promise.reject(new Error('throttled'))
        : save(known, next);
    expect(outcomesOf(await endOnce(call))).toEqual(['untried', 'canceled']);
    expect(ended).toHaveLength(1);
    expect(faults).toEqual([new Error('throttled')]);
  });

  it('another call with the key is refused, and nothing is canceled', async () => {
    const calls = [{ ...call, outcome: 'canceled', at: noon } as const];
    await member('SUBMITTED');
    await member('SUBMITTED', { calls });
    expect(await endOnce({ ...call, request: '0'.repeat(16) })).toBe('reused');
    expect(ended).toEqual([]);
  });

  it('a dry run ignores the key', async () => {
    await member('SUBMITTED');
    const dryRun: SessionCancelDependencies['cancel'] = (key) =>
      Promise.resolve({ outcome: 'would_cancel', record: recordWith(key) });
    expect(outcomesOf(await endOnce(call, dryRun, true))).toEqual(['would_cancel']);
    expect((await read())[0]?.calls).toBeUndefined();
  });
});
