import fc from 'fast-check';
import { type EventId, ownEventId } from '../../functions/domain/identifiers.ts';
import { instantFromMillis, millisOf } from '../../functions/domain/instant.ts';
import type { Observation } from '../../functions/domain/observation.ts';
import { isFinal, paymentRequestStates } from '../../functions/domain/payment-request-state.ts';
import { noon } from './fixtures.ts';

/** So few seconds that observations often have the same time. */
const seconds = fc.integer({ min: 0, max: 4 });
const state = fc.constantFrom(...paymentRequestStates);
const instantAfterNoon = (second: number) => instantFromMillis(millisOf(noon) + second * 1000);

/** A webhook's observation without its event id. */
const webhook = fc.record({
  state,
  previousState: fc.option(state, { nil: undefined }),
  stateReason: fc.constantFrom(undefined, 'PARTNER_CANCELED'),
  occurredAt: seconds.map(instantAfterNoon),
  observedAt: seconds.map(instantAfterNoon),
  source: fc.constant('webhook' as const),
  proof: fc.constant({ body_sha256: 'a1' }),
});

/** Webhooks of one Payment Request with different event ids, in any order. */
export const webhooks: fc.Arbitrary<readonly Observation[]> = fc
  .array(webhook, { minLength: 1, maxLength: 8 })
  .map((list) => list.map((each, index) => ({ ...each, eventId: `event-${index}` as EventId })));

/** The same with at most one end among them. */
export const webhooksOfOneLife: fc.Arbitrary<readonly Observation[]> = webhooks.map((list) => {
  const end = list.find((each) => isFinal(each.state));
  return list.filter((each) => each === end || !isFinal(each.state));
});

/** The same with several observations of one end, as from a webhook, the response to a DELETE and a read. */
export const webhooksOfOneEnd: fc.Arbitrary<readonly Observation[]> = fc
  .tuple(webhooks, fc.constantFrom('CANCELED', 'EXPIRED', 'DECLINED'))
  .map(([list, end]) => list.map((each) => (isFinal(each.state) ? { ...each, state: end } : each)));

/** A set of observations in two orders, some of them repeated. */
export const twoArrivals = (facts: fc.Arbitrary<readonly Observation[]>) =>
  facts.chain((list) =>
    fc.record({
      facts: fc.constant(list),
      one: arrivalOf(list),
      other: arrivalOf(list),
    }),
  );

const arrivalOf = (list: readonly Observation[]) =>
  fc
    .tuple(fc.shuffledSubarray([...list], { minLength: list.length }), fc.array(fc.constantFrom(...list)))
    .chain(([once, again]) => {
      const all = [...once, ...again];
      return fc.shuffledSubarray(all, { minLength: all.length });
    });

/** The same observation as the response to a read, with an event id of Lapse. */
export const asRead = (observation: Observation): Observation => ({
  ...observation,
  source: 'read',
  eventId: ownEventId('read', observation.eventId),
});
