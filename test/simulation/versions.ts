/**
 * The versions of the code that may run side by side during a deployment: this one, an older one and a newer one.
 * They differ in what a deployment changes: attributes of a record, history entries, attention values, settings and
 * indexes.
 */
import type { Attribute, Item } from '../../functions/adapters/dynamodb/stored-payment-request.ts';
import type { PaymentRequestStore } from '../../functions/application/ports.ts';
import { syncKlarnaExpiry } from '../../functions/application/sync-klarna-expiry.ts';
import type { AccountSettings } from '../../functions/domain/account-settings.ts';
import type { SigningKey } from '../../functions/domain/signing-key.ts';
import { sweepSessionTimer } from '../../functions/adapters/sweep/sweep-session-timer.ts';
import { ownEventId } from '../../functions/domain/identifiers.ts';
import { type Instant, plusMillis } from '../../functions/domain/instant.ts';
import { changesBetween } from '../../functions/domain/changes-between.ts';
import type { HistoryKind } from '../../functions/domain/history-entry.ts';
import { withEntry } from '../../functions/domain/history.ts';
import type { Attention } from '../../functions/domain/attention.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import type { readDelivery } from '../../functions/webhook/klarna-delivery.ts';
import { bytesOf } from '../support/klarna-deliveries.ts';
import { minute } from '../support/sessions.ts';
import { type CodeVersion, currentVersion, indexKeys, news, type VersionName } from './code-version.ts';
import type { UseCases } from './protocol.ts';
import type { Ports } from './simulated-ports.ts';
import { currentCodec } from './simulated-table.ts';

/** A version of the code, and how it differs from this one. */
export interface Version extends CodeVersion {
  /** How it modifies the ports of this version. */
  readonly bend: (ports: Ports) => Ports;
  readonly useCases: (useCases: UseCases) => UseCases;
}

const current: Version = { ...currentVersion, bend: (ports) => ports, useCases: (useCases) => useCases };

/** Attributes that were added after the older version: those of two indexes. */
const sinceOlder: readonly string[] = ['rk', 'ak', 'aa'] satisfies Attribute[];

const without = (item: Item, attributes: readonly string[]): Item =>
  Object.fromEntries(Object.entries(item).filter(([name]) => !attributes.includes(name)));

const older: Version = {
  ...current,
  name: 'older',
  codec: {
    toItem: (record) => without(currentCodec.toItem(record), sinceOlder),
    fromItem: (item) => currentCodec.fromItem(without(item, sinceOlder)),
  },
  lacks: [...current.lacks, ...sinceOlder],
  derives: indexKeys.filter((key) => !sinceOlder.includes(key)),
  bend: (ports) => ({
    ...ports,
    accounts: withSettings(ports.accounts, { maxExtensions: 1, inProgressGrace: 2 * minute }),
  }),
  // The older version does not know DECLINED.
  useCases: (useCases) => ({ ...useCases, readDelivery: unaware(useCases.readDelivery) }),
};

type Newer = PaymentRequest & { readonly touches?: number | undefined };

const newer: Version = {
  name: 'newer',
  codec: {
    toItem: (record: Newer) => ({ ...currentCodec.toItem(record), [news.attribute]: record.touches }),
    fromItem: (item) => {
      const record: Newer = { ...currentCodec.fromItem(item), touches: Number(item[news.attribute] ?? 0) };
      return record;
    },
  },
  lacks: [],
  lacksOfAttention: [],
  derives: indexKeys,
  bend: (ports) => {
    const store = withNews(ports.store);
    return {
      ...ports,
      store,
      syncExpiry: syncKlarnaExpiry({ ...ports, store, onFault: ports.onExpiryFault }),
      accounts: withSettings(ports.accounts, { maxExtensions: 5, inProgressGrace: undefined }),
    };
  },
  useCases: (useCases) => useCases,
};

export const versions: Readonly<Record<VersionName, Version>> = { older, current, newer };

/** A version with which only the sweep ends sessions. */
export const sweptBy = (version: Version): Version => ({
  ...version,
  bend: (ports) => ({ ...version.bend(ports), timer: sweepSessionTimer }),
});

const withSettings = (
  accounts: Ports['accounts'],
  changed: Partial<Pick<AccountSettings, 'maxExtensions' | 'inProgressGrace'>>,
): Ports['accounts'] => ({
  find: async (account) => {
    const found = await accounts.find(account);
    return found && { ...found, ...changed };
  },
});

/**
 * What the newer version also writes into each record of a session. It also gives each claim more time. The use cases of this version hold
 * the record without that, so a write is made again from what the newer version wrote before it.
 */
function withNews(store: PaymentRequestStore): PaymentRequestStore {
  const written = new WeakMap<PaymentRequest, PaymentRequest>();
  return {
    ...store,
    save: (held: Newer | undefined, next) => {
      const read = held && (written.get(held) ?? held);
      const made = withLongerClaim(read, touched(read, rebased(held, read, next)));
      written.set(next, made);
      return store.save(read, made);
    },
  };
}

/** The next version, made from the record that is stored instead of the one that the use case held. */
function rebased(
  held: PaymentRequest | undefined,
  read: PaymentRequest | undefined,
  next: PaymentRequest,
): Newer {
  if (!held || !read || held === read) return next;
  const isKept = held.history.every((entry) => next.history.includes(entry));
  const added = next.history.filter((entry) => !held.history.includes(entry));
  const remarks = read.history.filter((entry) => !held.history.includes(entry));
  return {
    ...next,
    history: isKept ? [...read.history, ...added] : [...remarks, ...next.history],
    attention: next.attention === held.attention ? read.attention : next.attention,
    attentionSince: next.attention === held.attention ? read.attentionSince : next.attentionSince,
    ...{ touches: (read as Newer).touches },
  };
}

function touched(read: PaymentRequest | undefined, record: Newer): PaymentRequest {
  const { session, version } = record;
  if (!session) return record;
  const isWanted = record.attention === undefined && version % 3 === 0;
  const attention = isWanted ? (news.attention as string as Attention) : undefined;
  const next: Newer = {
    ...withEntry(record, {
      eventId: ownEventId(news.kind, String(version)),
      kind: news.kind as string as HistoryKind,
      recordedAt: record.updatedAt,
      effect: 'noted',
      attention,
      detail: { remark: 'of the newer version' },
    }),
    touches: (record.touches ?? 0) + 1,
    attention: attention ?? record.attention,
  };
  const changes = changesBetween(read, next);
  return {
    ...next,
    attentionSince: attention ? record.updatedAt : record.attentionSince,
    changes,
    sequence: (read?.sequence ?? 0) + changes.length,
  };
}

const longerBy = 15_000;

function withLongerClaim(read: PaymentRequest | undefined, next: PaymentRequest): PaymentRequest {
  const { cancellation, dueAt } = next;
  const lease = cancellation?.lease;
  if (!lease || lease.id === read?.cancellation?.lease?.id) return next;
  const longer = (until: Instant) => plusMillis(until, longerBy);
  return {
    ...next,
    cancellation: { ...cancellation, lease: { ...lease, until: longer(lease.until) } },
    dueAt: dueAt === lease.until ? longer(lease.until) : dueAt,
  };
}

/** Treats a delivery with an unknown state as one of an unknown type, with the same facts. */
const unaware =
  (read: typeof readDelivery): typeof readDelivery =>
  (bytes, key: SigningKey, receivedAt) => {
    const delivery = read(bytes, key, receivedAt);
    if (delivery.kind !== 'observation' || delivery.observation.state !== 'DECLINED') return delivery;
    const { metadata, ...rest } = JSON.parse(new TextDecoder().decode(bytes)) as {
      readonly metadata: { readonly event_type: string };
    };
    const unknown = read(
      bytesOf({ ...rest, metadata: { ...metadata, event_type: 'payment.request.unheard-of' } }),
      key,
      receivedAt,
    );
    if (unknown.kind !== 'quarantine') return delivery;
    const facts = { ...unknown.delivery.facts, eventType: metadata.event_type };
    return { kind: 'quarantine', delivery: { ...unknown.delivery, facts } };
  };
