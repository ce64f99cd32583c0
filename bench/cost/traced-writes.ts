import type { RecordedWrite } from './recorded-database.ts';
import { unitsTogether } from './write-units.ts';

/** One write of a session, on average over the sessions: the first write of a function, its second, and so on. */
export interface TracedWrite {
  readonly caller: string;
  /** The position among the writes of this function in a session, from 1. */
  readonly position: number;
  /** How often in a session. */
  readonly times: number;
  /** How often its condition refused it. */
  readonly refused: number;
  /** Write units for the item. */
  readonly base: number;
  /** Write units for each index that it touched. */
  readonly indexes: Readonly<Record<string, number>>;
}

/** The writes of these sessions, each named by its function and its position in the session. */
export function tracedWrites(
  writes: readonly RecordedWrite[],
  ids: readonly string[],
): readonly TracedWrite[] {
  const groups = new Map<string, { readonly name: Name; readonly found: RecordedWrite[] }>();
  for (const id of ids) {
    const positions = new Map<string, number>();
    for (const write of writes.filter(({ key }) => key.includes(id))) {
      const position = (positions.get(write.caller) ?? 0) + 1;
      positions.set(write.caller, position);
      const name = { caller: write.caller, position };
      const group = groups.get(JSON.stringify(name)) ?? { name, found: [] };
      group.found.push(write);
      groups.set(JSON.stringify(name), group);
    }
  }
  return [...groups.values()].map(({ name, found }) => ({ ...name, ...averageOf(found, ids.length) }));
}

type Name = Pick<TracedWrite, 'caller' | 'position'>;

function averageOf(found: readonly RecordedWrite[], sessions: number): Omit<TracedWrite, keyof Name> {
  const names = new Set(found.flatMap(({ units }) => Object.keys(units.indexes)));
  const average = (of: (write: RecordedWrite) => number): number =>
    found.reduce((sum, write) => sum + of(write), 0) / sessions;
  return {
    times: found.length / sessions,
    refused: found.filter(({ refused }) => refused).length / sessions,
    base: average(({ units }) => units.base),
    indexes: Object.fromEntries(
      [...names].map((name) => [name, average(({ units }) => units.indexes[name] ?? 0)]),
    ),
  };
}

/** Write units of a session together. */
export const unitsOfSession = (writes: readonly TracedWrite[]): number =>
  writes.reduce((sum, write) => sum + unitsTogether(write), 0);
