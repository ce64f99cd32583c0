import { describe, expect, it } from 'vitest';
import { callLimit } from '../../functions/domain/next-call.ts';
import {
  endAtKlarna,
  observationOf,
  readAtKlarna,
  type TimedResponse,
} from '../../functions/application/ask-klarna.ts';
import type { KlarnaResponse } from '../../functions/domain/klarna-response.ts';
import { instantFromMillis } from '../../functions/domain/instant.ts';
import { key, settingsWith } from '../support/fixtures.ts';
import { afterNoon } from '../support/sessions.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import { ScriptedKlarna, unclear } from '../support/scripted-klarna.ts';
import { CountingIds, VirtualClock } from '../support/virtual-clock.ts';

const settings = settingsWith();
const id = key.paymentRequestId;
const limited = (retryAfterMillis: number | undefined): KlarnaResponse => ({
  kind: 'rate_limited',
  retryAfterMillis,
  proof: { status: '429' },
});

function asking(klarna: ScriptedKlarna) {
  const clock = new VirtualClock();
  const begin = clock.now();
  const dependencies = { klarna, clock, ids: new CountingIds(), chance: () => 0.5 };
  /** Reads and then ends the request within a budget in milliseconds. */
  const end = async (
    budget: number,
    allowCompleted = false,
    grace?: number,
    recorded?: PaymentRequestState,
    age = 0,
  ) => {
    const until = begin + budget;
    const first: TimedResponse = await readAtKlarna(dependencies)({ settings, paymentRequestId: id }, until);
    clock.advance(age);
    const attempt = { settings, paymentRequestId: id, allowCompleted, recorded, grace, until };
    const verdict = await endAtKlarna(dependencies)(attempt, first);
    return { ...verdict, waited: clock.now() - begin };
  };
  return { dependencies, begin, end };
}

describe('readAtKlarna', () => {
  it.each([
    [60_000, callLimit],
    [callLimit, callLimit],
    [3_000, 3_000],
    [1, 1],
    [0, 1],
    [-5, 1],
  ])('a read with %i ms left has a time limit of %i ms', async (left, limit) => {
    const klarna = new ScriptedKlarna('SUBMITTED');
    const { dependencies, begin } = asking(klarna);
    const { askedAt } = await readAtKlarna(dependencies)({ settings, paymentRequestId: id }, begin + left);
    expect([askedAt, klarna.limits]).toEqual([begin, [limit]]);
  });

  it('a read has the time that Klarna states, or the time before the call if Klarna states none', () => {
    const { dependencies, begin } = asking(new ScriptedKlarna('SUBMITTED'));
    dependencies.clock.advance(700);
    const response = {
      kind: 'payment_request',
      state: 'IN_PROGRESS',
      previousState: 'SUBMITTED',
      stateReason: 'R',
      expiresAt: afterNoon(180),
      proof: { status: '200' },
    } as const;
    const fact = {
      state: 'IN_PROGRESS',
      previousState: 'SUBMITTED',
      stateReason: 'R',
      occurredAt: instantFromMillis(begin),
      klarnaExpiresAt: afterNoon(180),
      source: 'read',
      observedAt: instantFromMillis(begin + 700),
      proof: { status: '200' },
    };
    const told = { ...response, updatedAt: afterNoon(-1) };
    expect(observationOf({ response, askedAt: begin }, 'read', dependencies)).toEqual({
      ...fact,
      eventId: `read:${'1'.padStart(12, '0')}`,
    });
    expect(observationOf({ response: told, askedAt: begin }, 'cancel', dependencies)).toEqual({
      ...fact,
      source: 'cancel',
      eventId: `cancel:${'2'.padStart(12, '0')}`,
      occurredAt: afterNoon(-1),
    });
  });
});

describe('endAtKlarna', () => {
  it('ending a request takes one read and one DELETE, and returns both facts with the proof of the DELETE', async () => {
    const klarna = new ScriptedKlarna('SUBMITTED').responses('cancel', {
      kind: 'payment_request',
      state: 'CANCELED',
      proof: { status: '200', correlation_id: 'c2' },
    });
    const { end } = asking(klarna);
    const verdict = await end(12_000);
    expect(verdict).toMatchObject({
      conclusion: { kind: 'known' },
      sent: true,
      proof: { correlation_id: 'c2' },
      waited: 0,
    });
    expect(verdict.facts.map((each) => [each.state, 'source' in each && each.source])).toEqual([
      ['SUBMITTED', 'read'],
      ['CANCELED', 'cancel'],
    ]);
    expect(klarna.limits).toEqual([callLimit, callLimit]);
  });

  it.each([
    [3_000, ['read', 'cancel'], [3_000, 3_000]],
    [2_000, ['read', 'cancel'], [2_000, 2_000]],
    [1_999, ['read'], [1_999]],
  ] as const)('a DELETE is sent only if two seconds are left: %i ms', async (budget, calls, limits) => {
    const klarna = new ScriptedKlarna('SUBMITTED');
    const verdict = await asking(klarna).end(budget);
    expect(klarna.calls).toEqual(calls);
    expect(klarna.limits).toEqual(limits);
    expect(verdict.conclusion.kind).toBe(calls.length === 2 ? 'known' : 'unknown');
    expect(verdict.sent).toBe(calls.length === 2);
  });

  it.each([
    [1_000, ['read', 'cancel']],
    [1_001, ['read', 'read', 'cancel']],
  ])('a DELETE follows a read that is at most a second old (%i ms)', async (age, calls) => {
    const klarna = new ScriptedKlarna('SUBMITTED');
    const { end } = asking(klarna);
    expect(await end(12_000, false, undefined, undefined, age)).toMatchObject({ sent: true });
    expect(klarna.calls).toEqual(calls);
  });

  it('a customer who approved after an old read is not canceled', async () => {
    const klarna = new ScriptedKlarna('SUBMITTED').responses('read', (self) => {
      const shown = self.shown();
      self.state = 'COMPLETED';
      return shown;
    });
    const verdict = await asking(klarna).end(12_000, false, undefined, undefined, 4_000);
    expect(verdict).toMatchObject({ conclusion: { kind: 'known' }, sent: false });
    expect(klarna.state).toBe('COMPLETED');
  });

  it.each([
    ['COMPLETED', false, false],
    ['COMPLETED', true, true],
    ['EXPIRED', true, false],
  ] as const)(
    'a claimed record that says %s decides before a DELETE (allowed: %s)',
    async (recorded, allowCompleted, sent) => {
      const klarna = new ScriptedKlarna('SUBMITTED');
      const verdict = await asking(klarna).end(12_000, allowCompleted, undefined, recorded);
      expect(verdict).toMatchObject({ conclusion: { kind: 'known' }, sent });
    },
  );

  it('a customer who is paying gets the configured grace, and no DELETE is sent', async () => {
    const klarna = new ScriptedKlarna('IN_PROGRESS');
    const verdict = await asking(klarna).end(12_000, false, 300_000);
    expect(verdict).toMatchObject({ conclusion: { kind: 'grace', millis: 300_000 }, sent: false });
    expect(verdict.facts).toHaveLength(1);
    expect((await asking(new ScriptedKlarna('SUBMITTED')).end(12_000, false, 300_000)).sent).toBe(true);
    expect((await asking(new ScriptedKlarna('IN_PROGRESS')).end(12_000)).sent).toBe(true);
  });

  it.each([
    ['a read without a response is retried three times with growing pauses', 'read', unclear, 4, 1_400],
    ['a rate-limited read is retried three times with growing pauses', 'read', limited(undefined), 4, 1_400],
    ['a refused read is retried three times at once', 'read', { kind: 'refused', proof: {} }, 4, 0],
    ['a DELETE without a response is sent at most twice', 'cancel', unclear, 5, 600],
    ['a rate-limited DELETE is sent at most twice', 'cancel', limited(undefined), 5, 600],
    [
      'a refused DELETE is sent at most twice, without a pause',
      'cancel',
      { kind: 'refused', proof: {} },
      5,
      0,
    ],
  ] as const)('%s', async (_, call, response, calls, waited) => {
    const klarna = new ScriptedKlarna('SUBMITTED').responses(
      call,
      ...Array<KlarnaResponse>(9).fill(response),
    );
    const verdict = await asking(klarna).end(12_000);
    expect(verdict).toMatchObject({ conclusion: { kind: 'unknown' }, sent: call === 'cancel', waited });
    expect(klarna.calls).toHaveLength(calls);
  });

  it('every response is returned in order with its proof and time, including those without a state', async () => {
    const shown: KlarnaResponse = { kind: 'payment_request', state: 'SUBMITTED', proof: { status: '202' } };
    const klarna = new ScriptedKlarna('SUBMITTED')
      .responses('read', limited(500))
      .responses('cancel', shown, (self) => {
        self.state = 'CANCELED';
        return { kind: 'unclear', retryAfterMillis: 300, proof: { status: '500', error_id: 'e1' } };
      });
    const { begin, end } = asking(klarna);
    const { facts, conclusion } = await end(12_000);
    expect(klarna.calls).toEqual(['read', 'read', 'cancel', 'read', 'cancel', 'read']);
    expect(conclusion.kind).toBe('known');
    const noted = (kind: string, millis: number, detail: object) => ({
      eventId: expect.stringMatching(new RegExp(`^${kind}:[0-9a-f]{12}$`)) as string,
      kind,
      recordedAt: instantFromMillis(begin + millis),
      effect: 'noted',
      detail,
    });
    const read = (state: string) => expect.objectContaining({ source: 'read', state }) as unknown;
    expect(facts).toEqual([
      noted('read', 0, { response: 'rate_limited', status: '429' }),
      read('SUBMITTED'),
      noted('cancel', 500, { response: 'payment_request', state: 'SUBMITTED', status: '202' }),
      read('SUBMITTED'),
      noted('cancel', 500, { response: 'unclear', status: '500', error_id: 'e1' }),
      read('CANCELED'),
    ]);
    expect(facts.map((each) => 'detail' in each && Object.keys(each.detail))).toEqual([
      ['response', 'status'],
      false,
      ['response', 'status', 'state'],
      false,
      ['response', 'status', 'error_id'],
      false,
    ]);
  });

  it.each<[KlarnaResponse, string]>([
    [{ kind: 'denied', proof: { status: '403' } }, 'denied'],
    [limited(60_000), 'unknown'],
  ])(
    'a response to the DELETE is returned as a fact if no read follows: %j',
    async (response, conclusion) => {
      const verdict = await asking(new ScriptedKlarna('SUBMITTED').responses('cancel', response)).end(12_000);
      expect(verdict.conclusion.kind).toBe(conclusion);
      expect(verdict.facts.slice(1)).toMatchObject([
        { kind: 'cancel', effect: 'noted', detail: { response: response.kind, ...response.proof } },
      ]);
    },
  );

  it('the last read is returned as the proof only, not as a second fact', async () => {
    const klarna = new ScriptedKlarna('SUBMITTED').responses(
      'read',
      ...Array<KlarnaResponse>(9).fill(unclear),
    );
    const { facts, proof } = await asking(klarna).end(12_000);
    expect(facts).toHaveLength(3);
    expect(proof).toEqual(unclear.proof);
  });

  it('a refused DELETE is followed by a read without a pause', async () => {
    const klarna = new ScriptedKlarna('SUBMITTED').responses('cancel', { kind: 'refused', proof: {} });
    const { dependencies, end } = asking(klarna);
    await end(12_000);
    expect(klarna.calls).toHaveLength(4);
    expect(dependencies.clock.waits).toEqual([]);
  });

  it('a retry waits for as long as Klarna asks', async () => {
    const klarna = new ScriptedKlarna('SUBMITTED').responses('read', limited(700), {
      kind: 'unclear',
      retryAfterMillis: 50,
      proof: {},
    });
    expect(await asking(klarna).end(12_000)).toMatchObject({ conclusion: { kind: 'known' }, waited: 750 });
  });

  it.each([
    [4_999, 'known', 4_999],
    [5_000, 'unknown', 0],
  ])(
    'a pause of %i ms in a budget of 6000 ms leaves one second for the response: %s',
    async (pause, kind, waited) => {
      const klarna = new ScriptedKlarna('COMPLETED').responses('read', limited(pause));
      expect(await asking(klarna).end(6_000)).toMatchObject({ conclusion: { kind }, waited });
    },
  );

  it.each([
    ['not_found', 'not_found'],
    ['denied', 'denied'],
    ['unknown_state', 'unknown_state'],
  ] as const)('a read that returns %s ends the attempt with that conclusion', async (kind, conclusion) => {
    const klarna = new ScriptedKlarna('SUBMITTED').responses('read', { kind, proof: { error: kind } });
    expect(await asking(klarna).end(12_000)).toEqual({
      conclusion: { kind: conclusion },
      facts: [],
      sent: false,
      proof: { error: kind },
      waited: 0,
    });
  });

  it('the attempt ends at once if Klarna refuses our credentials', async () => {
    const klarna = new ScriptedKlarna('SUBMITTED').responses('cancel', {
      kind: 'denied',
      proof: { status: '403' },
    });
    const verdict = await asking(klarna).end(12_000);
    expect(verdict).toMatchObject({ conclusion: { kind: 'denied' }, sent: true, proof: { status: '403' } });
    expect(klarna.calls).toEqual(['read', 'cancel']);
  });

  it('a paid request is sent one DELETE if the caller allows it and Klarna refuses, and none otherwise', async () => {
    const klarna = new ScriptedKlarna('COMPLETED');
    const verdict = await asking(klarna).end(12_000, true);
    expect(klarna.calls).toEqual(['read', 'cancel', 'read']);
    expect(verdict).toMatchObject({ conclusion: { kind: 'known' }, sent: true });
    const spared = new ScriptedKlarna('COMPLETED');
    expect((await asking(spared).end(12_000)).sent).toBe(false);
    expect(spared.calls).toEqual(['read']);
  });

  it('a DELETE for a paid request is repeated if the caller allows it and Klarna did not respond', async () => {
    const klarna = new ScriptedKlarna('COMPLETED').responses('cancel', unclear);
    klarna.cancelsCompleted = true;
    expect((await asking(klarna).end(12_000, true)).conclusion.kind).toBe('known');
    expect(klarna.calls).toEqual(['read', 'cancel', 'read', 'cancel']);
  });

  it('a refused DELETE is repeated if the request is still open', async () => {
    const klarna = new ScriptedKlarna('SUBMITTED').responses('cancel', { kind: 'refused', proof: {} });
    expect((await asking(klarna).end(12_000)).conclusion.kind).toBe('known');
    expect(klarna.calls).toEqual(['read', 'cancel', 'read', 'cancel']);
  });
});
