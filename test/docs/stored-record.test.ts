/** The page about the stored record names every attribute, and no other. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { marshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, it } from 'vitest';
import { toStoredChange, toStoredEntry } from '../../functions/adapters/dynamodb/stored-history.ts';
import { toItem } from '../../functions/adapters/dynamodb/stored-payment-request.ts';
import type { HistoryEffect, HistoryEntry, HistoryKind } from '../../functions/domain/history-entry.ts';
import type { EventId } from '../../functions/domain/identifiers.ts';
import type { Position } from '../../functions/domain/observation.ts';
import { paymentRequestStates } from '../../functions/domain/payment-request-state.ts';
import { noon, recordWith } from '../support/fixtures.ts';
import { afterNoon, cancellationWith, session } from '../support/sessions.ts';

const page = readFileSync(
  join(import.meta.dirname, '..', '..', 'docs', 'reference', 'stored-record.md'),
  'utf8',
);

/** The part of the page under a heading. */
const partOf = (heading: string): string => page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';

/** The names in the first column of the first table under a heading. */
function namesIn(heading: string): readonly string[] {
  const table =
    partOf(heading)
      .split('\n\n')
      .find((part) => part.trim().startsWith('| name')) ?? '';
  return table
    .split('\n')
    .flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name = '']) => name))
    .toSorted();
}

const eventId = 'event-1' as EventId;

const entry: Required<HistoryEntry> = {
  eventId,
  kind: 'webhook',
  effect: 'stale',
  recordedAt: noon,
  occurredAt: afterNoon(1),
  state: 'SUBMITTED',
  against: `0|${noon}|event-0` as Position,
  attention: 'contradiction',
  detail: { reason: 'r' },
};

const change = {
  kind: 'needs_attention',
  eventId,
  state: 'SUBMITTED',
  previousState: 'IN_PROGRESS',
  stateReason: 'PARTNER_CANCELED',
  attention: 'contradiction',
  occurredAt: noon,
  recordedAt: noon,
} as const;

const item = toItem(
  recordWith({
    session: {
      ...session,
      supersedes: true,
      klarnaExpiresAt: noon,
      onTimeout: 'observe',
      asked: 'cancel',
      observedBy: 'stage',
      kind: 'invoice',
      inProgressGrace: 1,
      graceGivenAt: noon,
      extensions: 1,
      klarnaExpiry: { askedFor: noon, shown: noon, isFixed: true },
      klarnaExpiryMayBe: noon,
      isKlarnaExpiryUnanswered: true,
    },
    cancellation: cancellationWith({
      reason: 'r',
      allowCompleted: true,
      sentBefore: true,
      sentWithoutLeave: true,
    }),
  }),
  30,
);

const present = (map: object | undefined): readonly string[] =>
  Object.keys(marshall(map ?? {}, { removeUndefinedValues: true })).toSorted();

describe('docs/reference/stored-record.md', () => {
  it('docs/reference/stored-record.md names every attribute of an item, and no other', () => {
    expect(namesIn('Attributes')).toEqual(Object.keys(item).toSorted());
  });

  it.each<[string, readonly string[]]>([
    ['Session', present(item.se)],
    ['Cancellation', present(item.x)],
    ['End of a session', present(item.oe)],
    ['History', [...present(toStoredEntry(entry)), 'e', 's'].toSorted()],
    ['Events', present(toStoredChange(change, {}))],
  ])('docs/reference/stored-record.md names every attribute of: %s', (heading, names) => {
    expect(names.length).toBeGreaterThan(2);
    expect(namesIn(heading)).toEqual(names);
  });

  const kinds = Object.keys({
    webhook: 1,
    read: 1,
    cancel: 1,
    not_found: 1,
    register: 1,
    extend: 1,
    klarna_expiry: 1,
    cancel_request: 1,
    confirmation: 1,
    timer: 1,
    sweep: 1,
    session: 1,
    resolve: 1,
  } satisfies Record<HistoryKind, 1>) as readonly HistoryKind[];
  const effects = Object.keys({
    applied: 1,
    stale: 1,
    confirming: 1,
    contradicting: 1,
    accepted: 1,
    refused: 1,
    noted: 1,
  } satisfies Record<HistoryEffect, 1>) as readonly HistoryEffect[];

  it.each([
    ...kinds.map((kind) => [kind, toStoredEntry({ ...entry, kind }).k[0]]),
    ...effects.map((effect) => [effect, toStoredEntry({ ...entry, effect }).k[1]]),
    ...paymentRequestStates.map((state) => [state, toStoredEntry({ ...entry, state }).k[2]]),
  ])('docs/reference/stored-record.md has the letter of %s', (word, letter) => {
    const rows = partOf('History').replaceAll(/ +/g, ' ');
    expect(rows).toContain(`| \`${word}\` | \`${letter}\` |`);
  });

  it('docs/reference/stored-record.md has every short name of a detail', () => {
    const rows = partOf('History').replaceAll(/ +/g, ' ');
    const pairs = [...rows.matchAll(/\| `(\w{2,})` \| `([a-z])` (?=\|)/g)].map(([, word = '', short]) => [
      word,
      short,
    ]);
    const details = new Map(pairs.slice(kinds.length + effects.length) as [string, string][]);
    expect(details.size).toBe(14);
    const detail = Object.fromEntries([...details.keys()].map((name) => [name, 'x']));
    expect(new Set(Object.keys(toStoredEntry({ ...entry, kind: 'read', detail }).d ?? {}))).toEqual(
      new Set(details.values()),
    );
    for (const [name, short] of details) {
      expect(Object.keys(toStoredEntry({ ...entry, kind: 'read', detail: { [name]: 'x' } }).d ?? {})).toEqual(
        [short],
      );
    }
  });
});
