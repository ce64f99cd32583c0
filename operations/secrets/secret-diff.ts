import { isDeepStrictEqual } from 'node:util';

/** The entries of a secret. */
export type Entries = Readonly<Record<string, unknown>>;

/**
 * What differs between two values of a secret, a line for each entry: `+` is new, `-` is gone, `~` has changed. The lines name fields, and
 * never have a value.
 */
export function diffOf(before: Entries, after: Entries): readonly string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) => {
    const [old, current] = [valueOf(before, name), valueOf(after, name)];
    if (isDeepStrictEqual(old, current)) return [];
    if (old === undefined) return [`+ ${shown(name)}${fieldsOf(current)}`];
    if (current === undefined) return [`- ${shown(name)}`];
    const inner = isEntries(old) && isEntries(current) ? diffOf(old, current) : [];
    return [`~ ${shown(name)}${inner.length > 0 ? `: ${inner.join(', ')}` : ''}`];
  });
}

const valueOf = (entries: Entries, name: string): unknown =>
  Object.hasOwn(entries, name) ? entries[name] : undefined;

const fieldsOf = (entry: unknown): string =>
  isEntries(entry) && Object.keys(entry).length > 0 ? `: ${Object.keys(entry).map(shown).join(', ')}` : '';

/** Whether it is an object with named values. */
export const isEntries = (value: unknown): value is Entries =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A name may be a secret that was pasted in the wrong place. Only text that looks like a name is repeated. */
const shown = (name: string): string =>
  /^(?:krn:[A-Za-z0-9:_-]{1,200}|[a-z0-9_-]{1,40})$/.test(name) ? name : 'an entry with an unusual name';
