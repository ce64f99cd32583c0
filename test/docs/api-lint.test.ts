import { createConfig, lint, lintFromString } from '@redocly/openapi-core';
import { expect, it } from 'vitest';
import { apiDocument } from '../support/api-contract.ts';

/** What spectral:oas asks for as well, which is too large a package to install for one file. */
const alsoAsked = {
  'info-contact': 'error',
  'operation-description': 'error',
  'parameter-description': 'error',
  'tag-description': 'error',
  'operation-tag-defined': 'error',
  'no-invalid-schema-examples': 'error',
  // The other tests of the document look for fields that it does not describe.
  'no-invalid-media-type-examples': { severity: 'error', allowAdditionalProperties: true },
} as const;

const config = await createConfig({ extends: ['recommended-strict'], rules: alsoAsked });

it('docs/api.yaml has no problem in a public linter', async () => {
  const problems = await lint({ ref: 'docs/api.yaml', config });
  expect(
    problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} at ${location[0]?.pointer ?? ''}`),
  ).toEqual([]);
});

it('the public linter reports an invalid document', async () => {
  const problems = await lintFromString({
    source: 'openapi: 3.1.0\ninfo: { title: Lapse }\npaths: {}',
    config,
  });
  expect(problems.map(({ ruleId }) => ruleId)).toContain('struct');
});

/** Every schema of the document, with its place. */
function* schemasIn(
  value: unknown,
  path: string,
): Generator<readonly [string, Readonly<Record<string, unknown>>]> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield [path, value as Readonly<Record<string, unknown>>];
  for (const [name, inner] of Object.entries(value)) yield* schemasIn(inner, `${path}/${name}`);
}

const schemas = [...schemasIn(apiDocument['components'], '#/components')];

/** Clients that are generated from the document fail on these. `npm run verify` generates two. */
it.each<[string, (schema: Readonly<Record<string, unknown>>) => boolean]>([
  ['an enum without a type', (schema) => Array.isArray(schema['enum']) && schema['type'] === undefined],
  ['allOf, which a generator may turn into a class that loses fields', (schema) => 'allOf' in schema],
  [
    'a pattern with a Unicode property, which Python does not read',
    ({ pattern }) => typeof pattern === 'string' && /\\p\{/i.test(pattern),
  ],
])('docs/api.yaml has nowhere %s', (_, isWrong) => {
  expect(schemas.length).toBeGreaterThan(100);
  expect(schemas.filter(([, schema]) => isWrong(schema)).map(([path]) => path)).toEqual([]);
});
