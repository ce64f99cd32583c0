import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import openapiTS, { astToString, type OpenAPI3 } from 'openapi-typescript';

const folder = 'docs/events';

/** A JSON Schema of an event, as far as the types need it. Its title is the detail type. */
interface EventSchema {
  readonly title: string;
  readonly properties: {
    readonly detail: {
      readonly required: readonly string[];
      readonly properties: Readonly<Record<string, FieldSchema>>;
    };
  };
}

interface FieldSchema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
}

const header = '/** The events on the bus. `npm run generate` writes this file from docs/events. */\n\n';

/** The file client/event-types.ts: the types of the events, and the kinds of their fields for a check at run time. */
export async function eventTypes(): Promise<string> {
  const schemas = readdirSync(folder)
    .filter((file) => file.endsWith('.schema.json'))
    .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as EventSchema);
  const named = schemas.map((schema) => [
    schema.title.replaceAll(' ', ''),
    // The types need neither the id of a schema nor its examples.
    { ...schema, $id: undefined, examples: undefined },
  ]);
  const document = {
    openapi: '3.1.0',
    info: { title: 'Events of Lapse', version: '1' },
    paths: {},
    components: { schemas: Object.fromEntries(named) as Record<string, object> },
  };
  const tree = await openapiTS(document as OpenAPI3, { immutable: true, defaultNonNullable: false });
  const fields = Object.fromEntries(schemas.map((schema) => [schema.title, fieldsOf(schema)]));
  const constant = `/** The kinds that each field of an event can have, by the event's detail type. */
export const eventFields = ${JSON.stringify(fields, undefined, 2)} as const;\n`;
  return `${header}${astToString(tree)}${constant}`;
}

const fieldsOf = ({ properties: { detail } }: EventSchema): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(detail.required.map((name) => [name, kindsOf(detail.properties[name] ?? {})]));

const kindsOf = ({ type, const: constant }: FieldSchema): readonly string[] => {
  const kinds = type ?? (constant === null ? 'null' : typeof constant);
  return (typeof kinds === 'string' ? [kinds] : kinds).map((kind) => (kind === 'integer' ? 'number' : kind));
};
