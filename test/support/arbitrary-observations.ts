import fc from 'fast-check';
import { type EventId, ownEventId } from '../../functions/domain/identifiers.ts';
import { instantFromMillis, millisOf } from '../../functions/domain/instant.ts';
import type { Observation } from '../../functions/domain/observation.ts';
import { isFinal, paymentRequestStates } from '../../functions/domain/payment-request-state.ts';
import { noon } from './fixtures.ts';

/** Few seconds and few ids, so that ties happen as they do at Klarna. */
const seconds = fc.integer({ min: 0, max: 4 });
const state = fc.constantFrom(...paymentRequestStates);
const instantAfterNoon = (second: number) => instantFromMillis(millisOf(noon) + second * 1000);

/** A webhook's observation. Its event id is left to whoever makes a set of them. */
const webhook = fc.record({
  state,
  previousState: fc.option(state, { nil: undefined }),
  stateReason: fc.constantFrom(undefined, 'PARTNER_CANCELED'),
  occurredAt: seconds.map(instantAfterNoon),
  observedAt: seconds.map(instantAfterNoon),
  source: fc.constant('webhook' as const),
  proof: fc.constant({ body_sha256: 'a1' }),
});

/** Webhooks of one Payment Request with event ids of their own, in no order. */
export const webhooks: fc.Arbitrary<readonly Observation[]> = fc
  .array(webhook, { minLength: 1, maxLength: 8 })
  .map((list) => list.map((each, index) => ({ ...each, eventId: `event-${index}` as EventId })));

/** The same with at most one end among them. */
export const webhooksOfOneLife: fc.Arbitrary<readonly Observation[]> = webhooks.map((list) => {
  const end = list.find((each) => isFinal(each.state));
  return list.filter((each) => each === end || !isFinal(each.state));
});

/** The same with several ends, all of one kind: Klarna's webhook, the answer to our DELETE, a read. */
export const webhooksOfOneEnd: fc.Arbitrary<readonly Observation[]> = fc
  .tuple(webhooks, fc.constantFrom('CANCELED', 'EXPIRED', 'DECLINED'))
  .map(([list, end]) => list.map((each) => (isFinal(each.state) ? { ...each, state: end } : each)));

/** A set of facts, and the same facts again in another order, some of them several times. */
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

/** The same observation as an answer to a read, with an id of our own. */
export const asRead = (observation: Observation): Observation => ({
  ...observation,
  source: 'read',
  eventId: ownEventId('read', observation.eventId),
});
