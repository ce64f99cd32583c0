import { instantFromMillis } from '../domain/instant.ts';
import { eventsOf, neverSeenEventOf, type StateChangeEvent } from '../domain/state-change-event.ts';
import type { Unpublished } from '../domain/unpublished.ts';
import type { followReference, followWrite } from './follow-write.ts';
import type {
  Clock,
  ReferenceStreamEntry,
  RefusedEvent,
  StateChangePublisher,
  StreamEntry,
  UnpublishedEvents,
} from './ports.ts';

/** What publishing needs. */
export interface PublishDependencies {
  readonly publisher: StateChangePublisher;
  readonly unpublished: UnpublishedEvents;
  readonly clock: Clock;
  /** Follows a write, and returns the attempts of a session that is paid. Never rejects. A write that it could not follow comes again. */
  readonly follow: ReturnType<typeof followWrite>;
  /** The same for a write of what waits for a reference. */
  readonly followReference: ReturnType<typeof followReference>;
  /** Called with the fault of a write that cannot be read, or that could not be set aside. */
  readonly onFault: (entry: StreamEntry | ReferenceStreamEntry, error: unknown) => void;
}

/** What was published and what was set aside, and the sequence number from which the stream delivers again, if it must. */
export interface PublishResult {
  readonly retryFrom: string | undefined;
  readonly published: readonly StateChangeEvent[];
  readonly setAside: readonly Unpublished[];
}

/** Milliseconds for which events are tried again that the bus refuses for now. Then they hold nothing up any more. */
export const triedAgainFor = 15 * 60_000;

/** Milliseconds for which a write comes again that could not be followed. Then it holds nothing up any more, and the sweep is the backstop. */
const followedAgainFor = 60_000;

/**
 * Publishes the events of a batch of writes, in order. An event that the bus refuses for good, and a write that cannot be read, are
 * set aside, and the next ones go on. Where the bus refuses for now, the stream delivers again from that write on. Once that write is
 * older than {@link triedAgainFor}, its events are set aside too. So neither an event nor a record blocks the stream.
 *
 * @param until no further call of the bus begins after it, in milliseconds since 1970
 */
export const publishStateChanges =
  (dependencies: PublishDependencies) =>
  async (entries: readonly (StreamEntry | ReferenceStreamEntry)[], until: number): Promise<PublishResult> => {
    const read = await Promise.all(entries.map((entry) => readEntry(entry, dependencies)));
    const sent = await send(dependencies, read, until);
    const { retryFrom, setAside } = await settle(dependencies, read, sent);
    const published = read
      .flatMap(({ events }) => events)
      .filter((event) => !sent.refused.has(event) && !sent.unsent.has(event));
    return { retryFrom, published, setAside };
  };

/** A write and its events. `unreadable`: what is set aside for a write that cannot be read. */
interface ReadEntry {
  readonly entry: StreamEntry | ReferenceStreamEntry;
  readonly events: readonly StateChangeEvent[];
  readonly unreadable?: Unpublished;
  readonly isUnfollowed?: boolean;
}

async function readEntry(
  entry: StreamEntry | ReferenceStreamEntry,
  dependencies: PublishDependencies,
): Promise<ReadEntry> {
  if ('readReference' in entry) return readReferenceEntry(entry, dependencies);
  const { follow, onFault } = dependencies;
  try {
    const record = entry.read();
    const { attempts, isDone } = await follow(record);
    return { entry, events: eventsOf(record, attempts), isUnfollowed: !isDone };
  } catch (error) {
    onFault(entry, error);
    const { key, sequenceNumber, writtenAt } = entry;
    const unreadable = {
      kind: 'write',
      key,
      sequenceNumber,
      writtenAt: instantFromMillis(writtenAt),
    } as const;
    return { entry, events: [], unreadable };
  }
}

/** What waits for a reference makes an event at its end. What cannot be read holds up no other write: the sweep reads it again. */
async function readReferenceEntry(
  entry: ReferenceStreamEntry,
  { followReference: follow, onFault }: PublishDependencies,
): Promise<ReadEntry> {
  try {
    const awaited = entry.readReference();
    const events = awaited.status === 'never_seen' ? [neverSeenEventOf(awaited)] : [];
    return { entry, events, isUnfollowed: !(await follow(awaited)).isDone };
  } catch (error) {
    onFault(entry, error);
    return { entry, events: [] };
  }
}

/** The events that the bus does not have. */
interface Sent {
  readonly refused: ReadonlyMap<StateChangeEvent, RefusedEvent>;
  readonly unsent: ReadonlySet<StateChangeEvent>;
}

/** Sends all events, and goes on past those that are going to be set aside. */
async function send(
  { publisher, clock }: PublishDependencies,
  read: readonly ReadEntry[],
  until: number,
): Promise<Sent> {
  const old = new Set(read.filter(({ entry }) => isOld(entry, clock)).flatMap(({ events }) => events));
  const refused = new Map<StateChangeEvent, RefusedEvent>();
  let unsent = read.flatMap(({ events }) => events);
  let goesOn = true;
  while (goesOn && unsent.length > 0) {
    const response = await publisher.publish(unsent);
    for (const each of response.refused) refused.set(each.event, each);
    unsent = [...response.unsent];
    goesOn =
      clock.now() < until &&
      response.refused.every(({ event, isPermanent }) => isPermanent || old.has(event));
  }
  return { refused, unsent: new Set(unsent) };
}

/** Sets aside, in order, what cannot be published, up to the first write that the stream must deliver again. */
async function settle(
  { unpublished, clock, onFault }: PublishDependencies,
  read: readonly ReadEntry[],
  { refused, unsent }: Sent,
): Promise<Pick<PublishResult, 'retryFrom' | 'setAside'>> {
  const setAside: Unpublished[] = [];
  for (const { entry, events, unreadable, isUnfollowed } of read) {
    const refusals = events.flatMap((event) => refused.get(event) ?? []);
    const isForNow = !isOld(entry, clock) && refusals.some(({ isPermanent }) => !isPermanent);
    const retryFrom = entry.sequenceNumber;
    const isToBeFollowed = isUnfollowed === true && clock.now() - entry.writtenAt < followedAgainFor;
    if (isForNow || isToBeFollowed || events.some((event) => unsent.has(event)))
      return { retryFrom, setAside };
    const aside = refusals.map(({ event, reason }) => ({ kind: 'event', event, reason }) as const);
    try {
      for (const each of unreadable ? [unreadable] : aside) {
        await unpublished.keep(each);
        setAside.push(each);
      }
    } catch (error) {
      onFault(entry, error);
      return { retryFrom, setAside };
    }
  }
  return { retryFrom: undefined, setAside };
}

const isOld = ({ writtenAt }: Pick<StreamEntry, 'writtenAt'>, clock: Clock): boolean =>
  clock.now() - writtenAt > triedAgainFor;
