import type { DatabaseSync } from 'node:sqlite';
import { hash, randomBytes, randomUUID } from 'node:crypto';
import type { Instant } from '../../functions/domain/instant.ts';
import { type Caller, isManagedBy, type Managed, managedFor } from './caller.ts';
import type { Clock } from './clock.ts';
import { Collection } from '../shared/collection.ts';
import type { Configuration } from './configuration.ts';
import type { Environment } from './environment.ts';
import { isSubscribed } from './event-types.ts';

export interface SigningKey extends Managed {
  readonly signing_key_id: string;
  readonly signing_key: string;
  readonly created_at: Instant;
}

export interface Webhook extends Managed {
  readonly webhook_id: string;
  readonly url: string;
  readonly event_types: readonly string[];
  readonly event_version: 'v2';
  readonly signing_key_id: string;
  readonly status: 'ENABLED' | 'DISABLED';
  readonly recipient_account_id: string;
  readonly subject_account_id: string;
  /** Whether its deliveries say that they are of the live environment. */
  readonly live: boolean;
  /** The partner accounts whose events are delivered here. Default: all. */
  readonly partner_account_ids?: readonly string[];
}

/** The fields of a webhook that its owner sets. */
export type WebhookChoice = Pick<Webhook, 'url' | 'event_types' | 'signing_key_id' | 'status'>;

/** What the configuration of an earlier run had, so that a restart undoes no call that was made since. */
interface Configured {
  readonly fingerprint: string;
  readonly url?: string;
}

/** What decides who receives an event. */
interface Announced {
  readonly eventType: string;
  readonly subjectAccountId: string | undefined;
  readonly environment?: Environment;
}

/** Klarna's limit for one account. */
const mostSigningKeys = 50;

/** Recipient and subject of deliveries where no others are given: the accounts of Klarna's examples. */
const defaultAccounts = {
  recipient_account_id: 'krn:partner:global:account:test:M48JWZF8',
  subject_account_id: 'krn:partner:global:account:test:M4CIYH2N',
} as const;

const webhookIdPrefix = 'krn:partner:global:notification:webhook:';

/** The subscribers, and the keys that sign their deliveries. */
export class Subscriptions {
  readonly signingKeys: Collection<SigningKey>;
  readonly webhooks: Collection<Webhook>;
  readonly #clock: Clock;
  readonly #configured: Collection<Configured>;

  constructor(database: DatabaseSync, clock: Clock) {
    this.signingKeys = new Collection(database, 'signing_keys');
    this.webhooks = new Collection(database, 'webhooks');
    this.#configured = new Collection(database, 'configured');
    this.#clock = clock;
  }

  /**
   * Adds the configured keys and webhooks. One that an earlier run has added stays as calls have left it: changed, or deleted. Only the
   * address follows the configuration, because the ports of a local system may differ from run to run.
   */
  configure({ signingKeys, webhooks }: Pick<Configuration, 'signingKeys' | 'webhooks'>): void {
    for (const [id, key] of Object.entries(signingKeys)) {
      if (!this.#isNew(id, { fingerprint: hash('sha256', key) })) continue;
      const added = {
        signing_key_id: id,
        signing_key: key,
        created_at: this.#clock(),
        configured: true,
      } as const;
      this.signingKeys.put(id, added);
    }
    for (const [index, webhook] of webhooks.entries()) {
      if (!Object.hasOwn(signingKeys, webhook.signing_key_id)) {
        throw new Error(
          `webhooks.${index}.signing_key_id is ${webhook.signing_key_id}; allowed: an id in signingKeys.`,
        );
      }
      this.#configureWebhook(index, webhook);
    }
  }

  #configureWebhook(index: number, webhook: Configuration['webhooks'][number]): void {
    const { live = false, partner_account_ids: accounts = [] } = webhook;
    const [account, another] = accounts;
    const configured: Webhook = {
      webhook_id: `${webhookIdPrefix}00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
      event_version: 'v2',
      status: 'ENABLED',
      ...defaultAccounts,
      ...webhook,
      live,
      environment: live ? 'live' : 'test',
      ...(account !== undefined && another === undefined && { account }),
      configured: true,
    };
    const { webhook_id: id, url } = configured;
    const earlier = this.#configured.get(id);
    const fingerprint = hash('sha256', JSON.stringify({ ...configured, url: undefined }));
    const known = this.webhooks.get(id);
    if (this.#isNew(id, { fingerprint, url })) this.webhooks.put(id, configured);
    else if (known && known.url === earlier?.url) this.webhooks.put(id, { ...known, url });
  }

  /** Whether the configuration did not have it, or had it otherwise. Remembers it. */
  #isNew(id: string, now: Configured): boolean {
    const isNew = this.#configured.get(id)?.fingerprint !== now.fingerprint;
    this.#configured.put(id, now);
    return isNew;
  }

  /** The signing keys that the caller may see. */
  signingKeysOf(caller: Caller): readonly SigningKey[] {
    return this.signingKeys.all().filter((key) => isManagedBy(key, caller));
  }

  /** The webhooks that the caller may see. */
  webhooksOf(caller: Caller): readonly Webhook[] {
    return this.webhooks.all().filter((webhook) => isManagedBy(webhook, caller));
  }

  /** Creates a signing key; `undefined` where the account has the maximum number. */
  createSigningKey(caller: Caller): SigningKey | undefined {
    if (this.signingKeysOf(caller).length >= mostSigningKeys) return undefined;
    const created: SigningKey = {
      signing_key_id: `krn:partner:global:notification:signing-key:${randomUUID()}`,
      signing_key: randomBytes(32).toString('base64url'),
      created_at: this.#clock(),
      ...managedFor(caller),
    };
    this.signingKeys.put(created.signing_key_id, created);
    return created;
  }

  /** Whether a webhook uses the key. */
  isInUse(signingKeyId: string): boolean {
    return this.webhooks.all().some(({ signing_key_id }) => signing_key_id === signingKeyId);
  }

  /** Whether the caller has another webhook with the same address and types. */
  hasEqual(caller: Caller, choice: WebhookChoice, exceptId?: string): boolean {
    return this.webhooksOf(caller).some(
      (webhook) => webhook.webhook_id !== exceptId && sameSubscription(webhook, choice),
    );
  }

  /** Creates a webhook. What it delivers is of the caller's environment. */
  createWebhook(caller: Caller, choice: WebhookChoice): Webhook {
    const { environment, partnerAccountId: account } = caller;
    const inEnvironment = (id: string) => id.replace(':test:', `:${environment}:`);
    const created: Webhook = {
      webhook_id: `${webhookIdPrefix}${randomUUID()}`,
      event_version: 'v2',
      recipient_account_id: account ?? inEnvironment(defaultAccounts.recipient_account_id),
      subject_account_id: account ?? inEnvironment(defaultAccounts.subject_account_id),
      live: environment === 'live',
      ...managedFor(caller),
      ...(account !== undefined && { partner_account_ids: [account] }),
      ...choice,
    };
    this.webhooks.put(created.webhook_id, created);
    return created;
  }

  /** The webhooks that receive an event of this type about this partner account, in this environment if it is of one. */
  subscribersTo({
    eventType,
    subjectAccountId: partnerAccountId,
    environment,
  }: Announced): readonly Webhook[] {
    return this.webhooks
      .all()
      .filter(
        ({ status, event_types, partner_account_ids: accounts, live }) =>
          status === 'ENABLED' &&
          isSubscribed(event_types, eventType) &&
          (environment === undefined || live === (environment === 'live')) &&
          (!accounts || partnerAccountId === undefined || accounts.includes(partnerAccountId)),
      );
  }
}

const sameSubscription = (a: WebhookChoice, b: WebhookChoice): boolean =>
  a.url === b.url && a.event_types.toSorted().join(' ') === b.event_types.toSorted().join(' ');
