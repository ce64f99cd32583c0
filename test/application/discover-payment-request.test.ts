import { describe, expect, it } from 'vitest';
import { callLimit } from '../../functions/application/ask-klarna.ts';
import { discoverPaymentRequest } from '../../functions/application/discover-payment-request.ts';
import type { KlarnaResponse } from '../../functions/application/ports.ts';
import { key, observed } from '../support/fixtures.ts';
import { ScriptedKlarna, unclear } from '../support/scripted-klarna.ts';
import { World } from '../support/world.ts';

const discover = (world: World) => discoverPaymentRequest(world.dependencies)(key, world.settings);

describe('a request that nobody has a record of', () => {
  it('gets one as soon as Klarna is asked and knows it', async () => {
    const world = new World(new ScriptedKlarna('IN_PROGRESS'));
    expect(await discover(world)).toEqual({ outcome: 'refreshed', record: world.record });
    expect(world.record).toMatchObject({
      state: 'IN_PROGRESS',
      occurredAt: world.clock.instant(),
      evidence: { source: 'read', eventId: expect.stringMatching(/^read:[0-9a-f]{32}$/) as string },
      version: 1,
    });
    expect(world.klarna.calls).toEqual(['read']);
    expect(world.klarna.limits).toEqual([callLimit]);
  });

  it('is shown as its webhook has left it that came meanwhile', async () => {
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
  ])('gets none where Klarna says $kind: %s', async (response, outcome) => {
    const world = new World(new ScriptedKlarna('SUBMITTED').responses('read', response));
    expect(await discover(world)).toEqual({ outcome, record: undefined });
    expect(world.store.writes).toBe(0);
  });
});
