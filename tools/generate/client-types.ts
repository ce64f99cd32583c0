import { globSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import openapiTS, { astToString, COMMENT_HEADER, type OpenAPI3 } from 'openapi-typescript';

/** The types of the API, from its description. */
export const apiTypes = (): Promise<string> => typesOf(pathToFileURL('docs/api.yaml'));

/** The types of the events, from their schemas: each under its title. */
export const eventTypes = (): Promise<string> => typesOf(eventDescription());

async function typesOf(description: URL | OpenAPI3): Promise<string> {
  const types = await openapiTS(description, { immutable: true, defaultNonNullable: false });
  return `${COMMENT_HEADER}${astToString(types)}`;
}

function eventDescription(): OpenAPI3 {
  const schemas = globSync('docs/events/*.schema.json')
    .toSorted()
    .map((file) => {
      const parsed = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, unknown>>;
      const { $schema: _dialect, $id: _id, examples: _examples, ...schema } = parsed;
      return [String(schema['title']), schema];
    });
  return {
    openapi: '3.1.0',
    info: { title: 'Events of Lapse', version: '1' },
    components: { schemas: Object.fromEntries(schemas) as Record<string, never> },
  };
}
