import * as v from 'valibot';
import { parseJson } from './parse-json.ts';

/** An object with these fields and no others, which says so when it is given another. */
export const closedObject = <const Entries extends v.ObjectEntries>(entries: Entries) =>
  v.strictObject(entries, Object.keys(entries).join(', '));

/** A whole number in a range, both ends of it included. */
export const wholeNumber = (least: number, most: number) =>
  v.pipe(
    v.number(),
    v.check(
      (given) => Number.isInteger(given) && given >= least && given <= most,
      `a whole number from ${least} to ${most}`,
    ),
  );

/** Input as it should be, or one sentence that says what was given and what is allowed. */
export type ReadJson<Value> = { readonly value: Value } | { readonly violation: string };

/** Reads JSON text by a schema. */
export function readJson<Schema extends v.GenericSchema>(
  schema: Schema,
  text: string,
): ReadJson<v.InferOutput<Schema>> {
  const json = parseJson(text);
  if (json === undefined) return { violation: 'The text is not JSON; allowed: one JSON object.' };
  const parsed = v.safeParse(schema, json);
  return parsed.success ? { value: parsed.output } : { violation: violationOf(parsed.issues[0]) };
}

function violationOf(issue: v.BaseIssue<unknown>): string {
  const field = v.getDotPath(issue);
  if (field === null) return `The text is ${given(issue)}; allowed: one JSON object.`;
  return issue.type === 'strict_object' && issue.expected === 'never'
    ? `${field} is no field here; allowed: ${issue.message}.`
    : `${field} is ${given(issue)}; allowed: ${allowed(issue)}.`;
}

const given = ({ input, received }: v.BaseIssue<unknown>): string =>
  input === undefined
    ? 'missing'
    : typeof input === 'string' || typeof input === 'number'
      ? JSON.stringify(input).slice(0, 100)
      : received;

/** Without valibot's brackets and quotes: `conflict | hang | reset`. */
const allowed = ({ expected, message }: v.BaseIssue<unknown>): string =>
  expected === null ? message : expected.replaceAll(/[()"]/g, '');
