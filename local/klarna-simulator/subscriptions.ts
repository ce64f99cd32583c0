import type { DatabaseSync } from 'node:sqlite';
import { randomBytes, randomUUID } from 'node:crypto';
import type { Instant } from '../../functions/domain/instant.ts';
import type { Clock } from './clock.ts';
import { Collection } from './collection.ts';
import type { Configuration } from './configuration.ts';
import { isSubscribed } from './event-types.ts';

export interface SigningKey {
  readonly signing_key_id: string;
  readonly signing_key: string;
  readonly created_at: Instant;
}

export interface Webhook {
  readonly webhook_id: string;
  readonly url: string;
  readonly event_types: readonly string[];
  readonly event_version: 'v2';
  readonly signing_key_id: string;
  readonly status: 'ENABLED' | 'DISABLED';
  readonly recipient_account_id: string;
  readonly subject_account_id: string;
  readonly live: boolean;
  /** The partner accounts whose events are delivered here. Default: all. */
  readonly partner_account_ids?: readonly string[];
}

/** The fields of a webhook that its owner sets. */
export type WebhookChoice = Pick<Webhook, 'url' | 'event_types' | 'signing_key_id' | 'status'>;

/** Klarna's limit for one account. */
const mostSigningKeys = 50;

/** Recipient and subject of deliveries where no others are given: the accounts of Klarna's examples. */
const defaultAccounts = {
  recipient_account_id: 'krn:partner:global:account:test:M48JWZF8',
  subject_account_id: 'krn:partner:global:account:test:M4CIYH2N',
  live: false,
} as const;

const webhookIdPrefix = 'krn:partner:global:notification:webhook:';

/** The subscribers, and the keys that sign their deliveries. */
export class Subscriptions {
  readonly signingKeys: Collection<SigningKey>;
  readonly webhooks: Collection<Webhook>;
  readonly #clock: Clock;

  constructor(database: DatabaseSync, clock: Clock) {
    this.signingKeys = new Collection(database, 'signing_keys');
    this.webhooks = new Collection(database, 'webhooks');
    this.#clock = clock;
  }

  /** Adds the configured keys and webhooks. They replace those of an earlier run with the same ids. */
  configure({ signingKeys, webhooks }: Pick<Configuration, 'signingKeys' | 'webhooks'>): void {
    for (const [id, key] of Object.entries(signingKeys)) {
      this.signingKeys.put(id, { signing_key_id: id, signing_key: key, created_at: this.#clock() });
    }
    for (const [index, webhook] of webhooks.entries()) {
      if (!this.signingKeys.get(webhook.signing_key_id)) {
        throw new Error(
          `webhooks.${index}.signing_key_id is ${webhook.signing_key_id}; allowed: an id in signingKeys.`,
        );
      }
      const configured: Webhook = {
        webhook_id: `${webhookIdPrefix}00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
        event_version: 'v2',
        status: 'ENABLED',
        ...defaultAccounts,
        ...webhook,
      };
      this.webhooks.put(configured.webhook_id, configured);
    }
  }

  /** Creates a signing key; `undefined` where the account has the maximum number. */
  createSigningKey(): SigningKey | undefined {
    if (this.signingKeys.all().length >= mostSigningKeys) return undefined;
    const created: SigningKey = {
      signing_key_id: `krn:partner:global:notification:signing-key:${randomUUID()}`,
      signing_key: randomBytes(32).toString('base64url'),
      created_at: this.#clock(),
    };
    this.signingKeys.put(created.signing_key_id, created);
    return created;
  }

  /** Whether a webhook uses the key. */
  isInUse(signingKeyId: string): boolean {
    return this.webhooks.all().some(({ signing_key_id }) => signing_key_id === signingKeyId);
  }

  /** Creates a webhook; `undefined` where an equal one exists. */
  createWebhook(choice: WebhookChoice): Webhook | undefined {
    if (this.webhooks.all().some((webhook) => sameSubscription(webhook, choice))) return undefined;
    const created: Webhook = {
      webhook_id: `${webhookIdPrefix}${randomUUID()}`,
      event_version: 'v2',
      ...defaultAccounts,
      ...choice,
    };
    this.webhooks.put(created.webhook_id, created);
    return created;
  }

  /** The webhooks that receive an event of this type about this partner account. */
  subscribersTo(eventType: string, partnerAccountId: string | undefined): readonly Webhook[] {
    return this.webhooks
      .all()
      .filter(
        ({ status, event_types, partner_account_ids: accounts }) =>
          status === 'ENABLED' &&
          isSubscribed(event_types, eventType) &&
          (!accounts || partnerAccountId === undefined || accounts.includes(partnerAccountId)),
      );
  }
}

const sameSubscription = (a: WebhookChoice, b: WebhookChoice): boolean =>
  a.url === b.url && a.event_types.toSorted().join(' ') === b.event_types.toSorted().join(' ');
