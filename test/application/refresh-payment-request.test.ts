import { describe, expect, it } from 'vitest';
import { callLimit } from '../../functions/application/ask-klarna.ts';
import type { KlarnaAnswer } from '../../functions/application/ports.ts';
import {
  refreshPaymentRequest,
  type RefreshOutcome,
} from '../../functions/application/refresh-payment-request.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import { recordWith } from '../support/fixtures.ts';
import { afterNoon, minute } from '../support/sessions.ts';
import { ScriptedKlarna, unclear } from '../support/scripted-klarna.ts';
import { World } from '../support/world.ts';

/** What comes of asking Klarna, so many minutes after noon, about a record that Klarna should end at a quarter past. */
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
  const refresh = await refreshPaymentRequest(world.dependencies)(known, world.settings);
  return { world, known, refresh };
}

describe('a request of which Klarna is asked', () => {
  it('is as Klarna says', async () => {
    const { world, refresh } = await refreshed('SUBMITTED', new ScriptedKlarna('IN_PROGRESS'));
    expect(refresh).toEqual({ outcome: 'refreshed', record: world.record, proof: { status: '200' } });
    expect(world.record).toMatchObject({
      state: 'IN_PROGRESS',
      evidence: { source: 'read' },
      version: 2,
      updatedAt: afterNoon(1),
    });
  });

  it.each<[PaymentRequestState | undefined, number, RefreshOutcome, PaymentRequestState | undefined]>([
    ['SUBMITTED', 14.999, 'absent', 'SUBMITTED'],
    ['SUBMITTED', 15, 'refreshed', 'EXPIRED'],
    [undefined, 16, 'refreshed', 'EXPIRED'],
    ['COMPLETED', 16, 'absent', 'COMPLETED'],
    ['CANCELED', 16, 'absent', 'CANCELED'],
  ])('%s, and unknown to Klarna after %f minutes: %s, %s', async (state, minutes, outcome, then) => {
    const { world, refresh } = await refreshed(state, new ScriptedKlarna(undefined), minutes);
    expect(refresh).toMatchObject({ outcome, proof: { status: '404' } });
    expect(world.record.state).toBe(then);
    if (outcome === 'refreshed') {
      expect(world.record).toMatchObject({ occurredAt: afterNoon(15), evidence: { source: 'absence' } });
      expect(world.record.history).toMatchObject([
        {
          eventId: expect.stringMatching(/^absence:[0-9a-f]{32}$/) as string,
          kind: 'absence',
          recordedAt: world.clock.instant(),
          detail: { status: '404' },
        },
      ]);
    }
  });

  it.each<[KlarnaAnswer, RefreshOutcome]>([
    [unclear, 'unknown'],
    [{ kind: 'denied', proof: {} }, 'klarna_denied'],
    [{ kind: 'unknown-state', proof: {} }, 'unknown'],
  ])(
    'is as it was where the answer says nothing of the state, also after its end: $kind',
    async (answer, outcome) => {
      const klarna = new ScriptedKlarna('SUBMITTED').answers('read', answer);
      const { world, known, refresh } = await refreshed('SUBMITTED', klarna, 16);
      expect(refresh).toEqual({ outcome, record: known, proof: answer.proof });
      expect(world.record).toEqual(known);
    },
  );

  it('gets no record by it', async () => {
    const { world, known, refresh } = await refreshed('SUBMITTED', new ScriptedKlarna('CANCELED'), 1, true);
    expect(refresh).toMatchObject({ outcome: 'refreshed', record: known });
    expect(world.store.records.size).toBe(0);
  });

  it('is asked for as long as one call may take', async () => {
    const klarna = new ScriptedKlarna('SUBMITTED');
    await refreshed('SUBMITTED', klarna);
    expect(klarna.limits).toEqual([callLimit]);
  });
});
