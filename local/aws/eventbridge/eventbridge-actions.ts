import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { readJson } from '../../../functions/contract/read-json.ts';
import { isJsonObject } from '../../shared/json-object.ts';
import type { LocalClock } from '../../clock/local-clock.ts';
import type { Faults } from '../faults/faults.ts';
import { readInput } from '../wire/read-input.ts';
import { ServiceError } from '../wire/service-error.ts';
import type { ActionsOf } from '../wire/service.ts';
import type { EventDocument, EventLog } from './event-log.ts';

export interface EventBridgeParts {
  readonly log: EventLog;
  /** Its time is the time of an event without one. */
  readonly clock: LocalClock;
  readonly faults: Faults;
  /** Besides `default`, which every account has. */
  readonly buses: readonly string[];
  readonly region: string;
  readonly accountId: string;
}

const mostEntries = 10;

/**
 * The limit for all entries of a call together. AWS raised it from 256 KB on 29 January 2026; the SDK documents 1 MB
 * for PutEventsCommand.
 */
const mostBytes = 1_048_576;

const entrySchema = v.object({
  EventBusName: v.exactOptional(v.string(), 'default'),
  Source: v.exactOptional(v.string(), ''),
  DetailType: v.exactOptional(v.string(), ''),
  Detail: v.exactOptional(v.string(), ''),
  Resources: v.exactOptional(v.array(v.string()), []),
  /** Seconds since 1970. */
  Time: v.exactOptional(v.number()),
});

type Entry = v.InferOutput<typeof entrySchema>;

type EntryResult =
  { readonly EventId: string } | { readonly ErrorCode: string; readonly ErrorMessage: string };

/** Serves PutEvents. There are no rules: published events are in the log. */
export function eventBridgeActions(parts: EventBridgeParts): ActionsOf<'eventbridge'> {
  return {
    PutEvents: (input) => {
      const { Entries } = readInput(
        v.object({ Entries: v.array(entrySchema) }),
        input,
        'ValidationException',
      );
      if (Entries.length === 0 || Entries.length > mostEntries) {
        throw invalid(`Entries has ${Entries.length} entries; allowed: 1 to ${mostEntries}.`);
      }
      const bytes = Entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
      if (bytes > mostBytes) {
        throw invalid(`The total size of the entries is ${bytes} bytes; allowed: ${mostBytes}.`);
      }
      const refusal = refusalOf(parts.faults);
      const results = Entries.map((entry, index) => refusal(entry, index) ?? publish(parts, entry));
      return {
        FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length,
        Entries: results,
      };
    },
  };
}

/** What the faults that apply to this call refuse. */
function refusalOf(faults: Faults): (entry: Entry, index: number) => EntryResult | undefined {
  const isPartial = faults.takeForEffect('eventbridge', 'partial') !== undefined;
  const denial = faults.takeForEffect('eventbridge', 'deny');
  return ({ DetailType }, index) => {
    if (denial && (denial.detailType ?? DetailType) === DetailType) {
      return refused('NotAuthorizedForDetailTypeException', 'The detail type is denied (an injected fault).');
    }
    return isPartial && index % 2 === 0
      ? refused('InternalFailure', 'The entry failed (an injected fault).')
      : undefined;
  };
}

function publish({ log, clock, buses, region, accountId }: EventBridgeParts, entry: Entry): EntryResult {
  const bus = entry.EventBusName.replace(/^arn:.*:event-bus\//, '');
  const missing = (['Source', 'DetailType', 'Detail'] as const).find((field) => entry[field] === '');
  if (missing !== undefined) {
    return refused(
      'InvalidArgument',
      `Parameter ${missing} is not valid. Reason: ${missing} is a required argument.`,
    );
  }
  const detail = readJson(entry.Detail);
  if (!isJsonObject(detail)) return refused('MalformedDetail', 'Detail is malformed.');
  if (bus !== 'default' && !buses.includes(bus)) {
    return refused('ResourceNotFoundException', `Event bus ${bus} does not exist.`);
  }
  const document: EventDocument = {
    version: '0',
    id: randomUUID(),
    'detail-type': entry.DetailType,
    source: entry.Source,
    account: accountId,
    time: `${new Date(entry.Time === undefined ? clock.now() : entry.Time * 1_000).toISOString().slice(0, 19)}Z`,
    region,
    resources: entry.Resources,
    detail,
  };
  log.append(bus, document);
  return { EventId: document.id };
}

const invalid = (message: string): ServiceError => new ServiceError('ValidationException', message);

const refused = (ErrorCode: string, ErrorMessage: string): EntryResult => ({ ErrorCode, ErrorMessage });

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size */
const sizeOf = ({ Time, Source, DetailType, Detail, Resources }: Entry): number =>
  [Source, DetailType, Detail, ...Resources].reduce(
    (sum, part) => sum + Buffer.byteLength(part),
    Time === undefined ? 0 : 14,
  );
