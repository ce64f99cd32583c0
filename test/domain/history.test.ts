import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HistoryEntry } from '../../functions/domain/history-entry.ts';
import {
  bounded,
  bytesOf,
  hasRecorded,
  isEmptyRead,
  roomIn,
  shortened,
  utf8BytesOf,
  withDropped,
  withEntry,
} from '../../functions/domain/history.ts';
import { type EventId, ownEventId } from '../../functions/domain/identifiers.ts';
import { plusMillis } from '../../functions/domain/instant.ts';
import { positionOf } from '../../functions/domain/observation.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { at, noon, observed, recordWith } from '../support/fixtures.ts';
import { afterNoon } from '../support/sessions.ts';

/** The most bytes of a history, and those of one that a save leaves as it is, or cuts it to. */
const most = 9_500;
const mostRead = 6_000;
const cutTo = 4_500;

const entry = (id: number | string, fields: Partial<HistoryEntry> = {}): HistoryEntry => ({
  eventId: ownEventId('test', String(id)),
  kind: 'sweep',
  recordedAt: noon,
  effect: 'noted',
  detail: {},
  ...fields,
});

/** An entry of exactly so many bytes. */
const sized = (id: string, bytes: number, fields: Partial<HistoryEntry> = {}): HistoryEntry => {
  const bare = entry(id, { ...fields, detail: { x: '' } });
  return { ...bare, detail: { x: 'a'.repeat(bytes - bytesOf(bare)) } };
};

const sum = (history: readonly HistoryEntry[]) => history.reduce((bytes, each) => bytes + bytesOf(each), 0);

/** Entries of 150 bytes of a kind, recorded a minute apart. */
const many = (count: number, name: string, fields: Partial<HistoryEntry> = {}): readonly HistoryEntry[] =>
  Array.from({ length: count }, (_, id) =>
    sized(`${name}-${id}`, 150, { recordedAt: afterNoon(id), ...fields }),
  );

const idsOf = ({ history }: PaymentRequest) => history.map(({ eventId }) => eventId);

describe('withEntry', () => {
  it('the history has each event once', () => {
    const once = withEntry(recordWith(), entry(1));
    expect(withEntry(once, entry(1, { effect: 'applied' }))).toBe(once);
  });

  it('the history is in the order of the writes, with the times as they are, even if a clock goes back', () => {
    const times = [noon, noon, plusMillis(noon, -5000), plusMillis(noon, 5000)];
    const record = times.map((recordedAt, id) => entry(id, { recordedAt })).reduce(withEntry, recordWith());
    expect(record.history.map((each) => [each.eventId, each.recordedAt])).toEqual([
      ['test:0', noon],
      ['test:1', noon],
      ['test:2', at('2026-03-01T11:59:55Z')],
      ['test:3', at('2026-03-01T12:00:05Z')],
    ]);
  });

  it('adding an entry does not change the given record', () => {
    const before = recordWith();
    withEntry(before, entry(1));
    expect(before.history).toEqual([]);
  });

  it('a record has recorded exactly the events of its history', () => {
    const record = withEntry(recordWith(), entry(1));
    expect([entry(1), entry(2)].map(({ eventId }) => hasRecorded(record, eventId))).toEqual([true, false]);
  });
});

it.each([
  ['read', 'noted', true],
  ['read', 'applied', false],
  ['cancel', 'noted', false],
] as const)('a %s that is %s is an empty read: %s', (kind, effect, expected) => {
  expect(isEmptyRead({ kind, effect })).toBe(expected);
});

describe('the bytes of an entry', () => {
  it('each part of an entry counts', () => {
    const bare = bytesOf(entry('1'));
    expect(bytesOf(entry('1234'))).toBe(bare + 3);
    expect(bytesOf(entry('1', { attention: 'not_found' }))).toBe(bare + 9);
    const against = positionOf(observed('SUBMITTED'));
    expect(bytesOf(entry('1', { against }))).toBe(bare + against.length);
    expect(bytesOf(entry('1', { detail: { status: '404' } }))).toBe(bare + 6 + 3 + 4);
    expect(bytesOf(entry('1', { detail: { a: 'ä€𝄞', b: '' } }))).toBe(bare + 1 + 9 + 4 + 1 + 4);
  });

  it('the bytes of a text are those of its UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(utf8BytesOf(text)).toBe(new TextEncoder().encode(text).length);
      }),
    );
  });

  it('a history has room for the rest of its bytes', () => {
    expect(roomIn([])).toBe(most);
    expect(roomIn([sized('a', 500), sized('b', 300)])).toBe(most - 800);
  });
});

describe('shortened', () => {
  it.each([
    ['an empty text', '', ''],
    ['a short text', 'the customer left', 'the customer left'],
    ['a text of 120 bytes', 'a'.repeat(120), 'a'.repeat(120)],
    ['a text of 121 bytes', 'a'.repeat(121), `${'a'.repeat(117)}…`],
    ['a text of 120 bytes in longer characters', 'ä'.repeat(60), 'ä'.repeat(60)],
    ['a longer text in longer characters', 'ä'.repeat(61), `${'ä'.repeat(58)}…`],
    ['a text of surrogate pairs', '𝄞'.repeat(31), `${'𝄞'.repeat(29)}…`],
  ])('%s is shortened only where it must be, and to whole characters', (_, text, short) => {
    expect(shortened(text)).toBe(short);
  });

  it('a shortened text has at most 120 bytes, begins as the text does, and is shortened once', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 255 }), (text) => {
        const short = shortened(text);
        expect(utf8BytesOf(short)).toBeLessThanOrEqual(120);
        if (utf8BytesOf(text) > 120) {
          expect(short.endsWith('…')).toBe(true);
          expect(text.startsWith(short.slice(0, -1))).toBe(true);
        } else expect(short).toBe(text);
        expect(shortened(short)).toBe(short);
      }),
    );
  });
});

describe('withDropped', () => {
  it('the first entry that is only counted has both moments', () => {
    expect(withDropped(undefined, noon)).toEqual({ count: 1, first: noon, last: noon });
  });

  it.each([
    ['later', 5, 0, 5],
    ['earlier', -5, -5, 2],
    ['between', 1, 0, 2],
    ['at the first', 0, 0, 2],
    ['at the last', 2, 0, 2],
  ])(
    'another entry that is %s counts, and the moments stay the first and the last',
    (_, minutes, first, last) => {
      const dropped = { count: 3, first: noon, last: afterNoon(2) };
      expect(withDropped(dropped, afterNoon(minutes))).toEqual({
        count: 4,
        first: afterNoon(first),
        last: afterNoon(last),
      });
    },
  );
});

describe('bounded', () => {
  it('a history of 6,000 bytes stays as it is, and one byte more cuts it to 4,500', () => {
    const full = recordWith({ history: many(40, 'noise') });
    expect(sum(full.history)).toBe(mostRead);
    expect(bounded(full)).toBe(full);
    const [first, ...others] = full.history;
    if (!first) throw new Error('the history is empty');
    const longer = { ...first, eventId: `${first.eventId}x` as EventId };
    const cut = bounded({ ...full, history: [longer, ...others] });
    expect(sum(cut.history)).toBe(cutTo);
    expect(cut.dropped).toEqual({ count: 10, first: noon, last: afterNoon(9) });
    expect(cut.history).toEqual(full.history.slice(10));
  });

  it('a cut history counts on from the entries that were dropped before', () => {
    const dropped = { count: 5, first: afterNoon(-60), last: afterNoon(-50) };
    const cut = bounded(recordWith({ dropped, history: many(41, 'noise') }));
    expect(cut.dropped).toEqual({ count: 16, first: afterNoon(-60), last: afterNoon(10) });
  });

  it('nothing but the history and the count changes, and the given record stays', () => {
    const before = recordWith({ history: many(41, 'noise'), state: 'SUBMITTED', attempts: 3 });
    const { history, dropped, ...rest } = bounded(before);
    const { history: all, dropped: none, ...same } = before;
    expect(rest).toEqual(same);
    expect([history.length, dropped?.count, all.length, none]).toEqual([30, 11, 41, undefined]);
  });

  const registration = sized('registered', 150, { kind: 'register', effect: 'accepted' });

  it('the evidence of the state and the first registration stay, however old they are', () => {
    const evidence = sized('evidence', 150, { kind: 'webhook', effect: 'applied', state: 'SUBMITTED' });
    const again = sized('again', 150, { kind: 'register', effect: 'accepted' });
    const { eventId } = evidence;
    // Entries that matter more, so that everything else would go first.
    const ends = many(60, 'cancel', { kind: 'cancel' });
    const record = recordWith({
      evidence: { source: 'webhook', eventId, observedAt: noon },
      history: [evidence, registration, again, ...ends],
    });
    const kept = idsOf(bounded(record));
    expect(kept.slice(0, 2)).toEqual([eventId, registration.eventId]);
    expect(kept).not.toContain(again.eventId);
    expect(idsOf(bounded({ ...record, evidence: undefined }))).not.toContain(eventId);
  });

  it('the newest 12 entries stay, however large and uninteresting they are', () => {
    const noise = Array.from({ length: 20 }, (_, id) => sized(`noise-${id}`, 600));
    const cut = bounded(recordWith({ history: noise }));
    expect(cut.history).toEqual(noise.slice(-12));
  });

  /** Kinds of entries, those first that are dropped first. */
  const classes: readonly (readonly (readonly [string, Partial<HistoryEntry>])[])[] = [
    [
      ['a stale webhook', { kind: 'webhook', effect: 'stale', state: 'SUBMITTED' }],
      ['a confirming webhook', { kind: 'webhook', effect: 'confirming', state: 'COMPLETED' }],
      ['a read without a state', { kind: 'read', effect: 'noted' }],
      ['a stale read', { kind: 'read', effect: 'stale', state: 'SUBMITTED' }],
      ['a confirming 404', { kind: 'not_found', effect: 'confirming', state: 'EXPIRED' }],
    ],
    [
      ['a change to an open state', { kind: 'webhook', effect: 'applied', state: 'IN_PROGRESS' }],
      ['a read of an open state', { kind: 'read', effect: 'applied', state: 'SUBMITTED' }],
      ['a claim that failed', { kind: 'cancel_request', effect: 'noted' }],
      ['an unclear expiry', { kind: 'klarna_expiry', effect: 'noted' }],
      ['a timer', { kind: 'timer', effect: 'noted' }],
      ['a note of the sweep', { kind: 'sweep', effect: 'noted' }],
    ],
    [
      ['a registration', { kind: 'register', effect: 'accepted' }],
      ['a refused registration', { kind: 'register', effect: 'refused' }],
      ['an extension', { kind: 'extend', effect: 'accepted' }],
      ['a command to cancel', { kind: 'cancel_request', effect: 'accepted' }],
      ['a refused cancel', { kind: 'cancel_request', effect: 'refused' }],
      ['an accepted expiry', { kind: 'klarna_expiry', effect: 'accepted' }],
    ],
    [
      ['the response to a DELETE', { kind: 'cancel', effect: 'noted' }],
      ['an approval', { kind: 'webhook', effect: 'applied', state: 'COMPLETED' }],
      ['an end', { kind: 'webhook', effect: 'applied', state: 'EXPIRED' }],
      ['an end by a read', { kind: 'read', effect: 'applied', state: 'CANCELED' }],
      ['an end by a 404', { kind: 'not_found', effect: 'applied', state: 'EXPIRED' }],
      ['a contradiction', { kind: 'webhook', effect: 'contradicting', state: 'DECLINED' }],
      ['an entry with an attention', { kind: 'read', effect: 'noted', attention: 'not_found' }],
      [
        'a failed claim with an attention',
        { kind: 'cancel_request', effect: 'noted', attention: 'klarna_denied' },
      ],
    ],
  ];
  const flat = classes.flatMap((list, interest) =>
    list.map(([name, fields]) => ({ name, fields, interest })),
  );

  it.each(flat.filter(({ interest }) => interest > 0))(
    '$name stays while there is an entry that matters less',
    ({ fields, interest }) => {
      const mattering = sized('mattering', 150, fields);
      for (const less of classes.slice(0, interest).flat()) {
        // 12 of the 28 go, although the other one is older.
        const others = many(28, 'less', less[1]);
        const history = [registration, mattering, ...others, ...many(12, 'new')];
        expect(idsOf(bounded(recordWith({ history })))).toContain(mattering.eventId);
      }
    },
  );

  it.each(flat)('$name goes before entries that matter as much and are newer', ({ fields }) => {
    const oldest = sized('oldest', 150, fields);
    const history = [registration, oldest, ...many(28, 'same', fields), ...many(12, 'new')];
    const kept = idsOf(bounded(recordWith({ history })));
    expect(kept).not.toContain(oldest.eventId);
    expect(kept).toContain('test:same-27');
  });
});

describe('a history into which anything arrives', () => {
  const kinds = [
    'webhook',
    'read',
    'cancel',
    'not_found',
    'register',
    'extend',
    'klarna_expiry',
    'cancel_request',
    'timer',
    'sweep',
  ] as const;
  const effects = [
    'applied',
    'stale',
    'confirming',
    'contradicting',
    'accepted',
    'refused',
    'noted',
  ] as const;
  const states = ['SUBMITTED', 'IN_PROGRESS', 'COMPLETED', 'CANCELED', 'EXPIRED', 'DECLINED'] as const;
  /** 650 bytes at most, more than any entry has that Lapse makes. */
  const arrival = fc.record({
    kind: fc.constantFrom(...kinds),
    effect: fc.constantFrom(...effects),
    state: fc.constantFrom(undefined, ...states),
    attention: fc.constantFrom(undefined, undefined, undefined, 'not_found' as const),
    bytes: fc.integer({ min: 120, max: 650 }),
    // Whether a webhook brings it, which is added without a read where there is room.
    isUnread: fc.boolean(),
    isEvidence: fc.boolean(),
  });
  const writes = fc.array(fc.array(arrival, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 60 });

  it('it keeps within its bytes what must stay, and counts the rest', () => {
    let cuts = 0;
    fc.assert(
      fc.property(writes, (list) => {
        let record = recordWith();
        const all: HistoryEntry[] = [];
        for (const write of list) {
          const entries = write.map(({ bytes, isUnread: _, isEvidence: __, ...fields }, index) =>
            sized(`${all.length + index}`, bytes, { ...fields, recordedAt: afterNoon(all.length + index) }),
          );
          const [only] = entries;
          const isUnread =
            write.length === 1 && write[0]?.isUnread && only && bytesOf(only) <= roomIn(record.history);
          const evidence = entries.find((_, index) => write[index]?.isEvidence) ?? record.evidence;
          const next: PaymentRequest = {
            ...record,
            history: [...record.history, ...entries],
            evidence: evidence && { source: 'webhook', eventId: evidence.eventId, observedAt: noon },
          };
          all.push(...entries);
          record = isUnread ? next : bounded(next);
          if (record !== next) cuts += 1;

          expect(sum(record.history)).toBeLessThanOrEqual(most);
          if (!isUnread) expect(sum(record.history)).toBeLessThanOrEqual(Math.max(mostRead, 14 * 650));
          const ids = idsOf(record);
          expect(ids).toEqual(all.map(({ eventId }) => eventId).filter((id) => ids.includes(id)));
          expect(ids.slice(-12)).toEqual(all.slice(-12).map(({ eventId }) => eventId));
          const first = all.find(({ kind }) => kind === 'register');
          if (first) expect(ids).toContain(first.eventId);
          if (record.evidence) expect(ids).toContain(record.evidence.eventId);

          const gone = all
            .filter(({ eventId }) => !ids.includes(eventId))
            .map(({ recordedAt }) => recordedAt);
          expect(record.dropped).toEqual(
            gone.length === 0 ? undefined : { count: gone.length, first: gone[0], last: gone.at(-1) },
          );
        }
      }),
      { numRuns: 50 },
    );
    expect(cuts).toBeGreaterThan(0);
  });
});
