import { describe, expect, it } from 'vitest';
import { callLimit } from '../../functions/domain/next-call.ts';
import type { KlarnaResponse } from '../../functions/domain/klarna-response.ts';
import {
  refreshPaymentRequest,
  type RefreshOutcome,
} from '../../functions/application/refresh-payment-request.ts';
import { bytesOf } from '../../functions/domain/history.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import { key, observed, recordWith } from '../support/fixtures.ts';
import { afterNoon, minute } from '../support/sessions.ts';
import { ScriptedKlarna, unclear } from '../support/scripted-klarna.ts';
import { World } from '../support/world.ts';

/** Refreshes a record some minutes after noon. Klarna should end its request at a quarter past. */
async function refreshed(
  state: PaymentRequestState | undefined,
  klarna: ScriptedKlarna,
  minutes = 1,
  deleted = false,
) {
  const world = new World(klarna);
  const known = recordWith({ state, klarnaExpiresAt: afterNoon(15) });
  if (!deleted) await world.store.save(undefined, known);
  world.clock.advance(minutes * minute);
  const refresh = await refreshPaymentRequest(world.dependencies)(key, world.settings, known);
  return { world, known, refresh };
}

describe('refreshPaymentRequest', () => {
  it('a refresh records the state that Klarna reports', async () => {
    const { world, refresh } = await refreshed('SUBMITTED', new ScriptedKlarna('IN_PROGRESS'));
    expect(refresh).toEqual({ outcome: 'refreshed', record: world.record, proof: { status: '200' } });
    expect(world.record).toMatchObject({
      state: 'IN_PROGRESS',
      evidence: { source: 'read' },
      version: 2,
      updatedAt: afterNoon(1),
    });
  });

  it('the history stays bounded however often a request is refreshed', async () => {
    const { world, refresh } = await refreshed('SUBMITTED', new ScriptedKlarna('SUBMITTED'));
    let { record } = refresh;
    for (let time = 0; time < 400; time += 1) {
      world.clock.advance(1_000);
      ({ record } = await refreshPaymentRequest(world.dependencies)(key, world.settings, record));
    }
    const { history, dropped } = record;
    expect(record).toMatchObject({ state: 'SUBMITTED', version: 402 });
    expect(history.length + (dropped?.count ?? 0)).toBe(401);
    expect(history.reduce((sum, entry) => sum + bytesOf(entry), 0)).toBeLessThanOrEqual(6_000);
    expect(dropped?.first).toBe(afterNoon(1));
    expect(dropped && history[0] && dropped.last < history[0].recordedAt).toBe(true);
  });

  it.each<[PaymentRequestState | undefined, number, RefreshOutcome, PaymentRequestState | undefined]>([
    ['SUBMITTED', 14.999, 'not_found', 'SUBMITTED'],
    ['SUBMITTED', 15, 'refreshed', 'EXPIRED'],
    [undefined, 16, 'refreshed', 'EXPIRED'],
    ['COMPLETED', 16, 'not_found', 'COMPLETED'],
    ['CANCELED', 16, 'not_found', 'CANCELED'],
  ])(
    'a %s request that Klarna does not find after %f minutes gives %s with the state %s',
    async (state, minutes, outcome, then) => {
      const { world, refresh } = await refreshed(state, new ScriptedKlarna(undefined), minutes);
      expect(refresh).toMatchObject({ outcome, proof: { status: '404' } });
      expect(world.record.state).toBe(then);
      expect(world.record.version).toBe(2);
      if (outcome === 'not_found') {
        const attention = state === 'SUBMITTED' ? 'not_found' : undefined;
        expect(refresh.record).toEqual(world.record);
        expect(world.record.attention).toBe(attention);
        expect(world.record.history).toEqual([
          {
            eventId: expect.stringMatching(/^read:[0-9a-f]{12}$/) as string,
            kind: 'read',
            recordedAt: world.clock.instant(),
            effect: 'noted',
            detail: { response: 'not_found', status: '404' },
            attention,
          },
        ]);
      }
      if (outcome === 'refreshed') {
        expect(world.record).toMatchObject({ occurredAt: afterNoon(15), evidence: { source: 'not_found' } });
        expect(world.record.history).toMatchObject([
          {
            eventId: expect.stringMatching(/^not_found:[0-9a-f]{12}$/) as string,
            kind: 'not_found',
            recordedAt: world.clock.instant(),
            detail: { status: '404' },
          },
        ]);
      }
    },
  );

  it.each<[KlarnaResponse, RefreshOutcome]>([
    [unclear, 'unknown'],
    [{ kind: 'denied', proof: { status: '403' } }, 'klarna_denied'],
    [{ kind: 'unknown_state', proof: { status: '200' } }, 'unknown'],
  ])(
    'a response without a state is noted and changes nothing else, even after the Klarna expiry: $kind',
    async (response, outcome) => {
      const klarna = new ScriptedKlarna('SUBMITTED').responses('read', response);
      const { world, known, refresh } = await refreshed('SUBMITTED', klarna, 16);
      expect(refresh).toEqual({ outcome, record: world.record, proof: response.proof });
      const { history } = world.record;
      expect(world.record).toEqual({
        ...known,
        history,
        version: 2,
        writes: [expect.any(String) as unknown],
        updatedAt: afterNoon(16),
        attentionSince: undefined,
        dueAt: afterNoon(16),
      });
      expect(history).toMatchObject([
        { kind: 'read', effect: 'noted', detail: { response: response.kind, ...response.proof } },
      ]);
    },
  );

  it.each([
    ['finds the request again', 'SUBMITTED'],
    ['must have ended the request', undefined],
  ] as const)('the attention not_found is cleared once Klarna %s', async (_, state) => {
    const klarna = new ScriptedKlarna(undefined);
    const { world, refresh } = await refreshed('SUBMITTED', klarna);
    expect(refresh.record.attention).toBe('not_found');
    klarna.state = state;
    world.clock.advance(15 * minute);
    const again = await refreshPaymentRequest(world.dependencies)(key, world.settings, refresh.record);
    expect(again.record).toMatchObject({ state: state ?? 'EXPIRED', attention: undefined });
  });

  it.each([
    ['CANCELED', 'refreshed'],
    [undefined, 'not_found'],
  ] as const)('a refresh does not recreate a deleted record: %s', async (state, outcome) => {
    const { world, known, refresh } = await refreshed('SUBMITTED', new ScriptedKlarna(state), 1, true);
    expect(refresh).toMatchObject({ outcome, record: known });
    expect(world.store.records.size).toBe(0);
  });

  it('a 404 does not make a request EXPIRED that was paid during the read', async () => {
    const klarna = new ScriptedKlarna(undefined).responses('read', (self) => {
      void world.webhook(observed('COMPLETED', '2026-03-01T12:14:00Z'));
      return self.shown();
    });
    const world = new World(klarna);
    const known = recordWith({ state: 'SUBMITTED', klarnaExpiresAt: afterNoon(15) });
    await world.store.save(undefined, known);
    world.clock.advance(16 * minute);
    const refresh = await refreshPaymentRequest(world.dependencies)(key, world.settings, known);
    expect(refresh).toMatchObject({ outcome: 'not_found', record: { state: 'COMPLETED' } });
    expect(world.record.state).toBe('COMPLETED');
  });

  it('the read of a refresh may take as long as one call', async () => {
    const klarna = new ScriptedKlarna('SUBMITTED');
    await refreshed('SUBMITTED', klarna);
    expect(klarna.limits).toEqual([callLimit]);
  });
});

const discover = (world: World) => refreshPaymentRequest(world.dependencies)(key, world.settings, undefined);

describe('a refresh of a request without a record', () => {
  it('makes the record where Klarna shows the request', async () => {
    const world = new World(new ScriptedKlarna('IN_PROGRESS'));
    expect(await discover(world)).toMatchObject({ outcome: 'refreshed', record: world.record });
    expect(world.record).toMatchObject({
      state: 'IN_PROGRESS',
      occurredAt: world.clock.instant(),
      evidence: { source: 'read', eventId: expect.stringMatching(/^read:[0-9a-f]{12}$/) as string },
      version: 1,
    });
    expect(world.klarna.calls).toEqual(['read']);
    expect(world.klarna.limits).toEqual([callLimit]);
  });

  it('returns the record with a webhook that arrived meanwhile', async () => {
    const klarna = new ScriptedKlarna('SUBMITTED').responses('read', (self) => {
      void world.webhook(observed('COMPLETED'));
      return self.shown();
    });
    const world = new World(klarna);
    expect(await discover(world)).toMatchObject({ outcome: 'refreshed', record: { state: 'COMPLETED' } });
  });

  it.each<[KlarnaResponse, string]>([
    [{ kind: 'not_found', proof: {} }, 'not_found'],
    [unclear, 'unknown'],
    [{ kind: 'denied', proof: {} }, 'klarna_denied'],
    [{ kind: 'unknown_state', proof: {} }, 'unknown'],
  ])('makes no record where Klarna responds $kind (%s)', async (response, outcome) => {
    const world = new World(new ScriptedKlarna('SUBMITTED').responses('read', response));
    expect(await discover(world)).toEqual({ outcome, record: undefined, proof: response.proof });
    expect(world.store.writes).toBe(0);
  });
});
