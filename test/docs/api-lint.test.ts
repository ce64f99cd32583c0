import { createConfig, lint, lintFromString } from '@redocly/openapi-core';
import { expect, it } from 'vitest';

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
