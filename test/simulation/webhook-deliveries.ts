import type { UnusedReason } from '../../functions/application/receive-webhook.ts';
import type { EventId, PaymentRequestKey } from '../../functions/domain/identifiers.ts';
import { instantFromMillis } from '../../functions/domain/instant.ts';
import { bytesOf } from '../support/klarna-deliveries.ts';
import { hour, minute } from '../support/sessions.ts';
import type { Deployment } from './deployment.ts';
import { Draws } from './draws.ts';
import { beginning } from './plan.ts';
import type { Said, SaidAuthorization } from './simulated-klarna.ts';
import { authorizedBodyOf, bodyOf, signatureOf, signingKeyIdOf } from './webhook-bodies.ts';
import { shortOf } from './describe-step.ts';
import type { World } from './world.ts';

/** How long Klarna waits before it sends a delivery again, at most six times. */
const redeliveryPauses = [10_000, 2 * minute, 15 * minute, 3 * hour, 6 * hour, 12 * hour] as const;

interface Delivery {
  readonly said: Said | SaidAuthorization;
  readonly bytes: Uint8Array;
  readonly keyId: string;
  readonly signature: string;
}

const wordOf = (said: Said | SaidAuthorization): string => ('state' in said ? said.state : 'authorized');

/** The key with which a forged delivery is signed, or what is wrong with it. */
export type Forgery = 'wrong-key' | 'unknown-key' | 'other-account' | 'unknown-type' | 'other-version';

/** A time that cannot be true. */
const farFuture = '2999-12-31T23:59:59Z';

/** The deliveries that are on their way to us: Klarna's and forged ones. */
export class WebhookDeliveries {
  readonly #world: World;
  readonly #deployment: Deployment;

  constructor(world: World, deployment: Deployment) {
    this.#world = world;
    this.#deployment = deployment;
  }

  /** Sends what Klarna reported: at once, late, twice, or never. */
  send(said: Said | SaidAuthorization): void {
    const { engine, plan, signingKeys } = this.#world;
    engine.note('klarna', () => `${shortOf(said.key)} is ${wordOf(said)} (${said.eventId})`);
    const draws = new Draws(plan.seed, said.eventId);
    const isEarlyDays = engine.now < beginning + plan.quietAfter;
    const isLost = draws.chance(plan.lossRate) && isEarlyDays;
    const isDoubled = draws.chance(plan.doubleRate);
    const isLate = draws.chance(plan.lateRate);
    const soon = draws.between(20, 900);
    const late =
      plan.mode === 'full' ? draws.pick([2 * minute, 30 * minute, 21 * hour]) : draws.between(1_000, 20_000);
    const secondLate = draws.pick([1, 500, 3_000, 10 * minute, 21 * hour]);
    if (isLost) {
      engine.note('klarna', () => `   ** ${said.eventId} is lost for good **`);
      return;
    }
    const { meetAt } = plan;
    const arrivesAt =
      meetAt === undefined ? engine.now + (isLate ? late : soon) : momentOfMeeting(engine.now, meetAt);
    const isInFuture = new Draws(plan.seed, `time of ${said.eventId}`).chance(plan.farFutureRate);
    if (isInFuture) engine.note('klarna', () => `   ** ${said.eventId} has a time in the far future **`);
    const told = isInFuture ? farFuture : said.occurredAt;
    const bytes = bytesOf(
      'state' in said ? bodyOf(said, told, plan.tellsReferences) : authorizedBodyOf(said),
    );
    const keyId = signingKeyIdOf(said.key.account);
    const signature = signatureOf(bytes, signingKeys.get(keyId)?.key);
    const delivery = { said, bytes, keyId, signature };
    engine.at(arrivesAt, () => this.#deliver(delivery, 0, ''));
    if (isDoubled) engine.after(soon + secondLate, () => this.#deliver(delivery, 0, ' again'));
  }

  #deliver(delivery: Delivery, attempt: number, which: string): void {
    const { engine, judge } = this.#world;
    const { said, keyId, signature, bytes } = delivery;
    this.#deployment.invoke(
      `${said.eventId}${which} #${attempt}`,
      'webhook',
      async (ports, { verify, readDelivery, receive }) => {
        const key = await ports.signingKeys.find(keyId);
        if (!key || !verify(bytes, key.key, signature)) return 400;
        const verified = readDelivery(bytes, key, instantFromMillis(engine.now));
        judge.meets(said.key, `webhook ${wordOf(said)}`);
        await receive(ports)(verified);
        return 200;
      },
      (ending) => {
        if (ending.kind === 'returned' && ending.result === 200) {
          if (judge.unused.has(said.eventId)) judge.isUnused(said);
          else if ('state' in said) judge.isAcknowledged(said);
          else judge.isAuthorizationAcknowledged(said);
          return;
        }
        const pause = redeliveryPauses[attempt];
        if (pause !== undefined) engine.after(pause, () => this.#deliver(delivery, attempt + 1, which));
      },
    );
  }

  /** A delivery that says CANCELED and is forged, or not about one of our accounts. */
  forge(name: string, key: PaymentRequestKey, how: Forgery): void {
    const { engine, judge, signingKeys } = this.#world;
    const said: Said = {
      key,
      eventId: `forged-${name}` as EventId,
      state: 'CANCELED',
      previousState: 'SUBMITTED',
      reason: undefined,
      occurredAt: instantFromMillis(engine.now),
    };
    judge.forged.add(said.eventId);
    const { metadata, ...rest } = bodyOf(said) as { metadata: Record<string, unknown> };
    const bytes = bytesOf({
      ...rest,
      metadata: {
        ...metadata,
        ...(how === 'other-account' && { subject_account_id: 'krn:partner:global:account:test:OTHER' }),
        ...(how === 'unknown-type' && { event_type: 'payment.request.risk-assessed' }),
        ...(how === 'other-version' && { event_version: 'v3' }),
      },
    });
    const keyId = how === 'unknown-key' ? 'unknown-key' : signingKeyIdOf(key.account);
    const secret = how === 'wrong-key' || how === 'unknown-key' ? 'not-the-key' : signingKeys.get(keyId)?.key;
    this.#deliver({ said, bytes, keyId, signature: signatureOf(bytes, secret) }, redeliveryPauses.length, '');
  }

  /** A delivery of Klarna's that says nothing about the state of a request. */
  sendUnused(name: string, key: PaymentRequestKey, why: UnusedReason): void {
    const { engine, judge, signingKeys } = this.#world;
    const eventId = `unused-${name}` as EventId;
    const occurredAt = instantFromMillis(engine.now);
    const said: Said = {
      key,
      eventId,
      state: 'SUBMITTED',
      previousState: undefined,
      reason: undefined,
      occurredAt,
    };
    judge.unused.set(eventId, why);
    const { metadata, payload } = bodyOf(said) as {
      readonly metadata: Record<string, unknown>;
      readonly payload: Record<string, unknown>;
    };
    const bytes = bytesOf(
      why === 'other_family'
        ? {
            metadata: { ...metadata, event_type: 'payment.transaction.captured', event_version: 'v1' },
            payload,
          }
        : {
            metadata: { ...metadata, event_type: 'payment.request.updated' },
            payload: { ...payload, state: undefined },
          },
    );
    const keyId = signingKeyIdOf(key.account);
    this.#deliver({ said, bytes, keyId, signature: signatureOf(bytes, signingKeys.get(keyId)?.key) }, 0, '');
  }
}

/** What is reported shortly before the meeting arrives at the meeting. Everything else arrives at once. */
const momentOfMeeting = (now: number, meetAt: number): number =>
  now > beginning + meetAt - 1_000 ? Math.max(now, beginning + meetAt) : now + 20;
