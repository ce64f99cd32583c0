import * as v from 'valibot';
import { readJson } from '../../functions/contract/read-json.ts';

/** An object with these fields only. A violation lists them when there is another field. */
export const closedObject = <const Entries extends v.ObjectEntries>(entries: Entries) =>
  v.strictObject(entries, Object.keys(entries).join(', '));

/** A whole number in a range, both ends included. */
export const wholeNumber = (least: number, most: number) =>
  v.pipe(
    v.number(),
    v.check(
      (given) => Number.isInteger(given) && given >= least && given <= most,
      `a whole number from ${least} to ${most}`,
    ),
  );

/** The valid input, or one sentence that says what was given and what is allowed. */
export type CheckedJson<Value> = { readonly value: Value } | { readonly violation: string };

/** Reads JSON text by a schema. */
export function checkedJson<Schema extends v.GenericSchema>(
  schema: Schema,
  text: string,
): CheckedJson<v.InferOutput<Schema>> {
  const json = readJson(text);
  if (json === undefined) return { violation: 'The text is not JSON; allowed: one JSON object.' };
  const parsed = v.safeParse(schema, json);
  return parsed.success ? { value: parsed.output } : { violation: violationOf(parsed.issues[0]) };
}

/** What was given and what is allowed, as one sentence. */
export function violationOf(issue: v.BaseIssue<unknown>): string {
  const field = v.getDotPath(issue);
  if (field === null) return `The text is ${given(issue)}; allowed: one JSON object.`;
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    return `${field} is not a field; allowed: ${issue.message}.`;
  }
  const isMissingField = issue.input === undefined && issue.kind === 'schema' && isObjectSchema(issue.type);
  return isMissingField
    ? `${field} is missing.`
    : `${field} is ${given(issue)}; allowed: ${allowedBy(issue)}.`;
}

const isObjectSchema = (type: string): boolean => ['object', 'loose_object', 'strict_object'].includes(type);

const given = ({ input, received }: v.BaseIssue<unknown>): string =>
  input === undefined
    ? 'missing'
    : typeof input === 'string' || typeof input === 'number'
      ? JSON.stringify(input).slice(0, 100)
      : received;

const typeNames: Readonly<Record<string, string>> = {
  Object: 'a JSON object',
  Array: 'a list',
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
};

/** What a schema allows, as a list of words: `conflict, hang, reset`. */
export const allowedBy = ({ expected, message }: v.BaseIssue<unknown>): string =>
  expected === null
    ? message
    : (typeNames[expected] ?? expected.replaceAll(/[()"]/g, '').replaceAll(' | ', ', '));
