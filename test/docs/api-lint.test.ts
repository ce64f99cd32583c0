import { createConfig, lint, lintFromString } from '@redocly/openapi-core';
import { expect, it } from 'vitest';

const config = await createConfig({ extends: ['recommended-strict'] });

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
