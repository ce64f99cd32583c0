/**
 * `npm run generate`: writes the client's types from docs/api.yaml and docs/events. With `--check` it writes nothing, and fails when a
 * file is not up to date.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import openapiTS, { astToString, COMMENT_HEADER, type OpenAPI3 } from 'openapi-typescript';

/** The schemas of all events as one description, each under its title. */
function eventDescription(): OpenAPI3 {
  const schemas = globSync('docs/events/*.schema.json')
    .toSorted()
    .map((file) => {
      const {
        $schema: _dialect,
        $id: _id,
        examples: _examples,
        ...schema
      } = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, unknown>>;
      return [String(schema['title']), schema];
    });
  return {
    openapi: '3.1.0',
    info: { title: 'Events of Lapse', version: '1' },
    components: { schemas: Object.fromEntries(schemas) as Record<string, never> },
  };
}

const generated: Readonly<Record<string, URL | OpenAPI3>> = {
  'client/api-types.ts': pathToFileURL('docs/api.yaml'),
  'client/event-types.ts': eventDescription(),
};

const isCheck = process.argv.includes('--check');
for (const [file, description] of Object.entries(generated)) {
  const types = await openapiTS(description, { immutable: true, defaultNonNullable: false });
  const text = `${COMMENT_HEADER}${astToString(types)}`;
  if (!isCheck) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    console.error(`${file} is not what npm run generate writes.`);
    process.exitCode = 1;
  }
}
