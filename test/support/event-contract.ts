import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pointedAt, type Schema } from './json-schema.ts';

const folder = join(import.meta.dirname, '..', '..', 'docs', 'events');

/** The published schema of each type of event, by the type's name. */
export const eventSchemas: ReadonlyMap<string, Schema> = new Map(
  readdirSync(folder)
    .filter((file) => file.endsWith('.schema.json'))
    .map((file) => {
      const schema = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Schema;
      return [String(pointedAt(schema, '#/properties/detail-type')['const']), schema];
    }),
);
