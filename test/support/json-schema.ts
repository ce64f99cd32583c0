import addFormats from 'ajv-formats';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';

/** A JSON Schema (2020-12), or another object of a document with schemas. */
export type Schema = Readonly<Record<string, unknown>>;

// Strict: a keyword or a format that Ajv does not know is an error, so that nothing in a schema goes unchecked.
const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true, verbose: true });
const isTime = addFormats.default(new Ajv2020()).compile({ type: 'string', format: 'date-time' });
// RFC 3339 allows any offset, the project's documents only UTC.
ajv.addFormat('date-time', (text) => text.endsWith('Z') && isTime(text));
// Where an OpenAPI document keeps the schemas that others refer to.
ajv.addKeyword('components');

const compiled = new WeakMap<Schema, ValidateFunction>();

/** The violations of the value, each with its path. Empty if it fits. References lead into the document. */
export function violations(schema: Schema, value: unknown, document: Schema = {}): readonly string[] {
  const { components } = document;
  const validate =
    compiled.get(schema) ?? ajv.compile(components === undefined ? schema : { ...schema, components });
  compiled.set(schema, validate);
  return validate(value) ? [] : (validate.errors ?? []).map(wordsOf);
}

const wordsOf = ({ instancePath, message, params, data }: ErrorObject): string =>
  `$${instancePath} ${message ?? ''} ${JSON.stringify(params)}: ${JSON.stringify(data)}`;

/** Whether the value is a JSON object and not an array. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The target of a pointer such as `#/components/schemas/Record`. */
export function pointedAt(document: unknown, reference: string): Schema {
  let target: unknown = document;
  for (const name of reference.replace(/^#\//, '').split('/'))
    target = isObject(target) ? target[name] : undefined;
  if (!isObject(target)) throw new Error(`${reference} leads nowhere`);
  return target;
}
