import type { DatabaseSync } from 'node:sqlite';
import { randomUUID } from 'node:crypto';
import { type Instant, plusMillis } from '../../functions/domain/instant.ts';
import type { Clock } from './clock.ts';
import { Collection } from '../shared/collection.ts';
import { bodyOf, type KlarnaEvent } from './delivery-body.ts';
import type { Faults } from './faults.ts';
import { type PostResponse, postDelivery } from './post-delivery.ts';
import type { SettingsInForce } from './settings.ts';
import { signDelivery } from './sign-delivery.ts';
import type { Subscriptions, Webhook } from './subscriptions.ts';
import { Timers } from './timers.ts';
import { Semaphore } from './semaphore.ts';

const minute = 60_000;
const hour = 60 * minute;

/** Klarna's delays between two attempts, in milliseconds. After the last one the delivery is lost. */
const retryWaits = [10_000, 2 * minute, 15 * minute, 3 * hour, 6 * hour, 12 * hour] as const;

/** The only statuses that count as received. */
const received: ReadonlySet<number> = new Set([200, 201, 202, 204]);

/** How long a delivery is held for a later one to overtake it. Scaled like the retries. */
const longestHold = 2 * minute;

const attemptsAtOnce = 16;

/** One attempt to deliver, and its outcome. */
export interface Attempt extends PostResponse {
  readonly at: Instant;
  readonly wrong_signature?: true;
}

/** One event for one subscriber. */
export interface Delivery {
  readonly delivery_id: string;
  readonly webhook_id: string;
  readonly event_id: string;
  readonly event_type: string;
  readonly payment_request_id: string;
  /** The body that is sent, with the same bytes at each attempt. */
  readonly body: string;
  readonly status: 'waiting' | 'delivered' | 'lost';
  readonly next_attempt_at?: Instant;
  /** Waits until the next delivery to the same subscriber is sent. */
  readonly held?: true;
  readonly attempts: readonly Attempt[];
}

export interface DeliveriesParts {
  readonly database: DatabaseSync;
  readonly clock: Clock;
  readonly settings: SettingsInForce;
  readonly subscriptions: Subscriptions;
  readonly faults: Faults;
}

/**
 * Sends signed events to the subscribers, and again until they are received or Klarna's schedule ends. Delivery is at
 * least once and in no promised order. A delivery that was in progress when the process ended is sent again after the
 * restart.
 */
export class Deliveries {
  readonly #parts: DeliveriesParts;
  readonly #deliveries: Collection<Delivery>;
  readonly #timers: Timers;
  readonly #held = new Set<string>();
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #semaphore = new Semaphore(attemptsAtOnce);
  readonly #stopped = new AbortController();

  constructor(parts: DeliveriesParts) {
    this.#parts = parts;
    this.#timers = new Timers(parts.clock, (id) => void this.#attemptOnce(id));
    parts.settings.onChange(() => this.#timers.reset());
    this.#deliveries = new Collection(parts.database, 'deliveries');
    for (const delivery of this.#waiting()) this.#watch(delivery);
  }

  all(): readonly Delivery[] {
    return this.#deliveries.all();
  }

  /** Queues an event for every subscriber of its type. */
  announce(event: KlarnaEvent): void {
    const { subscriptions } = this.#parts;
    for (const webhook of subscriptions.subscribersTo(event)) {
      this.announceTo(webhook, event);
    }
  }

  /** Queues an event for one subscriber. */
  announceTo(webhook: Webhook, event: KlarnaEvent): void {
    const { settings, clock, faults } = this.#parts;
    const paymentRequestId = String(event.payload['payment_request_id']);
    const fault = faults.takeForDelivery(['duplicate', 'reorder', 'delay', 'lose'], paymentRequestId);
    const holdMillis = longestHold / settings.current.clockScale;
    const delayMillis =
      settings.current.webhookDelayMs +
      (fault?.kind === 'delay' ? fault.delayMs : fault?.kind === 'reorder' ? holdMillis : 0);
    const delivery: Delivery = {
      delivery_id: randomUUID(),
      webhook_id: webhook.webhook_id,
      event_id: event.eventId,
      event_type: event.eventType,
      payment_request_id: paymentRequestId,
      body: bodyOf(event, webhook),
      attempts: [],
      ...(fault?.kind === 'lose'
        ? { status: 'lost' }
        : { status: 'waiting', next_attempt_at: plusMillis(clock(), delayMillis) }),
      ...(fault?.kind === 'reorder' && { held: true }),
    };
    this.#keep(delivery);
    if (fault?.kind === 'duplicate') this.#keep({ ...delivery, delivery_id: randomUUID() });
  }

  /** Attempts every waiting delivery now. Resolves to their number when each attempt has ended. */
  async flush(): Promise<number> {
    const waiting = this.#waiting();
    await Promise.all(waiting.map(({ delivery_id }) => this.#attemptOnce(delivery_id)));
    return waiting.length;
  }

  /** Ends every attempt. An attempt in progress counts as not made. */
  async stop(): Promise<void> {
    this.#timers.clearAll();
    this.#stopped.abort();
    await Promise.all(this.#underWay.values());
  }

  #waiting(): readonly Delivery[] {
    return this.#deliveries.all().filter(({ status }) => status === 'waiting');
  }

  #keep(delivery: Delivery): void {
    this.#deliveries.put(delivery.delivery_id, delivery);
    this.#watch(delivery);
  }

  #watch({ delivery_id, next_attempt_at, held }: Delivery): void {
    if (held) this.#held.add(delivery_id);
    else this.#held.delete(delivery_id);
    if (next_attempt_at === undefined) this.#timers.clear(delivery_id);
    else this.#timers.set(delivery_id, next_attempt_at);
  }

  /** Makes one attempt at a time for each delivery. A second caller shares the attempt in progress. */
  #attemptOnce(id: string): Promise<void> {
    const underWay =
      this.#underWay.get(id) ??
      this.#semaphore.take(() => this.#attempt(id)).finally(() => this.#underWay.delete(id));
    this.#underWay.set(id, underWay);
    return underWay;
  }

  async #attempt(id: string): Promise<void> {
    const { subscriptions, faults, clock, settings } = this.#parts;
    const delivery = this.#stopped.signal.aborted ? undefined : this.#deliveries.get(id);
    if (delivery?.status !== 'waiting') return;
    this.#timers.clear(id);
    const webhook = subscriptions.webhooks.get(delivery.webhook_id);
    const key = webhook && subscriptions.signingKeys.get(webhook.signing_key_id);
    if (!key || webhook.status === 'DISABLED') {
      this.#keep(settled(delivery, 'lost'));
      return;
    }
    const forged = faults.takeForDelivery(['wrong-signature'], delivery.payment_request_id) !== undefined;
    const at = clock();
    const response = await postDelivery({
      url: webhook.url,
      body: delivery.body,
      signingKeyId: key.signing_key_id,
      signature: signDelivery(delivery.body, forged ? `not ${key.signing_key}` : key.signing_key),
      timeoutMillis: settings.current.deliveryTimeoutMs,
      stopped: this.#stopped.signal,
    });
    if (response === 'stopped') return;
    this.#record(delivery, { at, ...response, ...(forged && { wrong_signature: true }) });
    if (!delivery.held) this.#releaseHeld(delivery);
  }

  #record(delivery: Delivery, attempt: Attempt): void {
    const attempts = [...delivery.attempts, attempt];
    const wait = retryWaits[attempts.length - 1];
    if (attempt.status !== undefined && received.has(attempt.status)) {
      this.#keep({ ...settled(delivery, 'delivered'), attempts });
    } else if (wait === undefined) {
      this.#keep({ ...settled(delivery, 'lost'), attempts });
    } else {
      const { clock, settings } = this.#parts;
      this.#keep({
        ...settled(delivery, 'waiting'),
        attempts,
        next_attempt_at: plusMillis(clock(), Math.round(wait / settings.current.clockScale)),
      });
    }
  }

  /** Sends the deliveries that were held for this one to overtake them. */
  #releaseHeld({ webhook_id }: Delivery): void {
    for (const id of this.#held) {
      const held = this.#deliveries.get(id);
      if (held?.webhook_id !== webhook_id) continue;
      this.#keep({ ...settled(held, 'waiting'), next_attempt_at: this.#parts.clock() });
    }
  }
}

/** The delivery with a new status, and no longer waiting unless the caller adds that again. */
const settled = (
  { next_attempt_at: _, held: __, ...delivery }: Delivery,
  status: Delivery['status'],
): Delivery => ({ ...delivery, status });
