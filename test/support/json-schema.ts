/**
 * Checks a value against a JSON Schema (2020-12), as far as the project's own documents use it. A keyword that is not known
 * here is an error, so that nothing in a schema goes unchecked.
 */
export type Schema = Readonly<Record<string, unknown>>;

/** Where a `$ref` leads: a pointer into the document that the schema is part of. */
type Resolve = (reference: string) => Schema;

type Check = (
  argument: unknown,
  value: unknown,
  at: string,
  resolve: Resolve,
  schema: Schema,
) => readonly string[];

const annotations = new Set(['$schema', '$id', '$defs', 'title', 'description', 'examples', 'default']);

/** What is wrong with the value, each with its place in it; nothing when all is well. */
export function violations(
  schema: Schema,
  value: unknown,
  document: unknown = schema,
  at = '$',
): readonly string[] {
  const resolve: Resolve = (reference) => pointedAt(document, reference);
  return check(schema, value, at, resolve);
}

function check(schema: Schema, value: unknown, at: string, resolve: Resolve): readonly string[] {
  return Object.entries(schema).flatMap(([keyword, argument]) => {
    if (annotations.has(keyword)) return [];
    const known = keywords[keyword];
    return known
      ? known(argument, value, at, resolve, schema)
      : [`${at}: the schema has ${keyword}, which is not checked`];
  });
}

const sub = (schema: unknown): Schema => {
  if (!isObject(schema)) throw new Error('a schema must be an object');
  return schema;
};
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);
const when = (isWrong: boolean, violation: string): readonly string[] => (isWrong ? [violation] : []);
const text = (value: unknown): string => (value === undefined ? 'undefined' : JSON.stringify(value));

const passing = (schemas: unknown, value: unknown, at: string, resolve: Resolve): number =>
  list(schemas).filter((each) => check(sub(each), value, at, resolve).length === 0).length;

const keywords: Readonly<Record<string, Check>> = {
  $ref: (reference, value, at, resolve) => check(resolve(String(reference)), value, at, resolve),
  type: (types, value, at) =>
    when(
      !list(types).some((type) => isOfType(String(type), value)),
      `${at} is ${text(value)}, not ${text(types)}`,
    ),
  const: (wanted, value, at) =>
    when(text(value) !== text(wanted), `${at} is ${text(value)}, not ${text(wanted)}`),
  enum: (allowed, value, at) =>
    when(!list(allowed).includes(value), `${at} is ${text(value)}, not one of ${text(allowed)}`),
  pattern: (pattern, value, at) =>
    when(
      typeof value === 'string' && !new RegExp(String(pattern), 'u').test(value),
      `${at} is ${text(value)}, not ${String(pattern)}`,
    ),
  format: (format, value, at) => {
    if (format !== 'date-time') return [`${at}: the format ${String(format)} is not checked`];
    const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
    return when(typeof value === 'string' && !isTime.test(value), `${at} is ${text(value)}, not a time`);
  },
  minLength: (least, value, at) =>
    when(typeof value === 'string' && value.length < Number(least), `${at} is too short`),
  maxLength: (most, value, at) =>
    when(typeof value === 'string' && value.length > Number(most), `${at} is too long`),
  minimum: (least, value, at) =>
    when(typeof value === 'number' && value < Number(least), `${at} is too small`),
  maximum: (most, value, at) => when(typeof value === 'number' && value > Number(most), `${at} is too large`),
  minItems: (least, value, at) =>
    when(Array.isArray(value) && value.length < Number(least), `${at} is too short`),
  maxItems: (most, value, at) =>
    when(Array.isArray(value) && value.length > Number(most), `${at} is too long`),
  required: (names, value, at) =>
    isObject(value)
      ? list(names).flatMap((name) =>
          when(!Object.hasOwn(value, String(name)), `${at} has no ${String(name)}`),
        )
      : [],
  properties: (properties, value, at, resolve) =>
    isObject(value)
      ? Object.entries(sub(properties)).flatMap(([name, each]) =>
          Object.hasOwn(value, name) ? check(sub(each), value[name], `${at}.${name}`, resolve) : [],
        )
      : [],
  additionalProperties: (allowed, value, at, resolve, schema) =>
    isObject(value)
      ? Object.keys(value)
          .filter((name) => !Object.hasOwn(sub(schema['properties'] ?? {}), name))
          .flatMap((name) =>
            isObject(allowed)
              ? check(allowed, value[name], `${at}.${name}`, resolve)
              : when(allowed === false, `${at} has ${name}, which is not described`),
          )
      : [],
  items: (items, value, at, resolve) =>
    Array.isArray(value)
      ? value.flatMap((each, index) => check(sub(items), each, `${at}[${index}]`, resolve))
      : [],
  allOf: (schemas, value, at, resolve) =>
    list(schemas).flatMap((each) => check(sub(each), value, at, resolve)),
  oneOf: (schemas, value, at, resolve) => {
    const fitting = passing(schemas, value, at, resolve);
    return when(fitting !== 1, `${at} is ${text(value)}, which fits ${fitting} of the schemas it may have`);
  },
};

function isOfType(type: string, value: unknown): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'integer':
      return Number.isInteger(value);
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isObject(value);
    default:
      return typeof value === type;
  }
}

/** A JSON object, and no array. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a pointer such as `#/components/schemas/Record` leads to. */
export function pointedAt(document: unknown, reference: string): Schema {
  let target: unknown = document;
  for (const name of reference.replace(/^#\//, '').split('/'))
    target = isObject(target) ? target[name] : undefined;
  if (!isObject(target)) throw new Error(`${reference} leads nowhere`);
  return target;
}
