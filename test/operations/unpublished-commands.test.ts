import { beforeEach, describe, expect, it } from 'vitest';
import { messageOf } from '../../functions/adapters/queue/unpublished-queue.ts';
import type { PublishResponse } from '../../functions/application/ports.ts';
import type { RepublishReport, Republication } from '../../functions/application/republish-state-changes.ts';
import { formatInstant } from '../../functions/domain/instant.ts';
import { eventsOf, type StateChangeEvent } from '../../functions/domain/state-change-event.ts';
import { applyObservation } from '../../functions/domain/transition.ts';
import { listUnpublished, replayUnpublished } from '../../operations/unpublished-commands.ts';
import type { Printer } from '../../operations/printer.ts';
import type { MessageQueue, QueuedMessage } from '../../operations/queue.ts';
import { recordedPrinter } from '../support/command-line.ts';
import { account, key, noon, observed, recordWith, versioned } from '../support/fixtures.ts';

const before = recordWith();
const [event] = eventsOf(versioned(applyObservation(before, observed('CANCELED')).record, before));
if (!event) throw new Error('there is no event');

const ofEvent = messageOf({ kind: 'event', event, reason: 'NotAuthorizedForDetailTypeException' });
const ofWrite = messageOf({
  kind: 'write',
  key: { account, paymentRequestId: key.paymentRequestId },
  sequenceNumber: '4421',
  writtenAt: noon,
});
const ofBatch = JSON.stringify({
  requestContext: { condition: 'RetryAttemptsExhausted' },
  DDBStreamBatchInfo: {
    approximateArrivalOfFirstRecord: '2026-03-01T12:00:00Z',
    approximateArrivalOfLastRecord: '2026-03-01T12:00:05Z',
    batchSize: 3,
  },
});

const name = `${account}/${key.paymentRequestId}`;
const eventWords = `Payment Request State Changed of ${name}, recorded 2026-03-01T12:00:00Z, was refused (NotAuthorizedForDetailTypeException)`;
const writeWords = `a write to ${name} at 2026-03-01T12:00:00Z cannot be read (sequence number 4421)`;
const batchWords =
  '3 writes between 2026-03-01T12:00:00Z and 2026-03-01T12:00:05Z were not published (RetryAttemptsExhausted)';

let lines: readonly string[];
let print: Printer;
let removed: string[];
let published: StateChangeEvent[];
let asked: Republication[];
let response: PublishResponse;
let report: RepublishReport | undefined;

beforeEach(() => {
  [removed, published, asked] = [[], [], []];
  ({ print, lines } = recordedPrinter());
  response = { refused: [], unsent: [] };
  report = { records: 1, events: 2, refused: 0, unreadable: 0 };
});

/** A queue with these messages, which are called m1, m2, … */
const queueOf = (bodies: readonly string[]): MessageQueue => ({
  async *messages() {
    for (const [index, body] of bodies.entries()) {
      yield await Promise.resolve<QueuedMessage>({ id: `m${index + 1}`, body, receiptHandle: 'receipt' });
    }
  },
  send: () => Promise.resolve(),
  remove: ({ id }) => Promise.resolve(void removed.push(id)),
});

const replay = (bodies: readonly string[], isDryRun = false) =>
  replayUnpublished(
    {
      unpublished: queueOf(bodies),
      publisher: {
        publish: (events) => {
          published.push(...events);
          return Promise.resolve(response);
        },
      },
      republish: (republication) => {
        asked.push(republication);
        if (!report) throw new Error('there is no report');
        return Promise.resolve(report);
      },
      republishRecord: (of, republication) => {
        expect(of).toEqual({ account, paymentRequestId: key.paymentRequestId });
        asked.push(republication);
        return Promise.resolve(report);
      },
    },
    isDryRun,
    print.result,
  );

describe('unpublished list', () => {
  it('the list has a line for each event, each write and each batch', async () => {
    await listUnpublished({ unpublished: queueOf([ofEvent, ofWrite, ofBatch, 'another text']) }, print);
    expect(lines).toEqual([
      'MESSAGE  CONTENT',
      `m1       ${eventWords}`,
      `m2       ${writeWords}`,
      `m3       ${batchWords}`,
      'm4       neither an event, a write nor a batch of the stream. The message stays in the queue',
    ]);
  });

  it('the list of an empty queue says that all events are published', async () => {
    await listUnpublished({ unpublished: queueOf([]) }, print);
    expect(lines).toEqual(['All events are published.']);
  });
});

describe('unpublished replay', () => {
  it('an event is sent as it is, and its message is deleted', async () => {
    expect(await replay([ofEvent])).toBe(true);
    expect([published, removed]).toEqual([[event], ['m1']]);
    expect(lines).toEqual([`m1: ${eventWords}: published`]);
  });

  it('an event that the bus refuses again stays in the queue, and the next message is replayed', async () => {
    response = { refused: [{ event, reason: 'MalformedDetail', isPermanent: true }], unsent: [] };
    expect(await replay([ofEvent, ofBatch])).toBe(false);
    expect(removed).toEqual(['m2']);
    expect(lines[0]).toBe(`m1: ${eventWords}: refused again (MalformedDetail)`);
  });

  it('a write is published from its record, for a minute before and after it', async () => {
    expect(await replay([ofWrite])).toBe(true);
    expect(asked.map(({ since, until }) => [formatInstant(since), formatInstant(until)])).toEqual([
      ['2026-03-01T11:59:00Z', '2026-03-01T12:01:00Z'],
    ]);
    expect(lines).toEqual([`m1: ${writeWords}: 2 events of 1 records published, 0 refused`]);
    expect(removed).toEqual(['m1']);
  });

  it('a write of a record that still cannot be read stays in the queue', async () => {
    report = { records: 0, events: 0, refused: 0, unreadable: 1 };
    expect(await replay([ofWrite])).toBe(false);
    expect(removed).toEqual([]);
    expect(lines[0]).toMatch(/0 refused, 1 records cannot be read$/);
  });

  it('a write of a record that was deleted is deleted too', async () => {
    report = undefined;
    expect(await replay([ofWrite])).toBe(true);
    expect([lines, removed]).toEqual([[`m1: ${writeWords}: the record was deleted`], ['m1']]);
  });

  it('a batch is published from all records of its time', async () => {
    expect(await replay([ofBatch])).toBe(true);
    expect(asked.map(({ since, until }) => [formatInstant(since), formatInstant(until)])).toEqual([
      ['2026-03-01T11:59:00Z', '2026-03-01T12:01:05Z'],
    ]);
    expect(lines).toEqual([`m1: ${batchWords}: 2 events of 1 records published, 0 refused`]);
  });

  it('a batch with a refused event stays in the queue', async () => {
    report = { records: 1, events: 2, refused: 1, unreadable: 0 };
    expect(await replay([ofBatch])).toBe(false);
    expect(removed).toEqual([]);
  });

  it('a message that is none of these stays in the queue and holds no other up', async () => {
    expect(await replay(['another text', ofEvent])).toBe(false);
    expect(removed).toEqual(['m2']);
  });

  it('a dry run publishes and deletes nothing', async () => {
    expect(await replay([ofEvent, ofWrite, ofBatch], true)).toBe(true);
    expect([published, removed]).toEqual([[], []]);
    expect(asked.map(({ isDryRun }) => isDryRun)).toEqual([true, true]);
    expect(lines.map((line) => line.slice(-18))).toEqual(
      Array.from({ length: 3 }, () => 'would be published'),
    );
  });
});
