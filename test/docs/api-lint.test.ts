import { createConfig, lint, lintFromString } from '@redocly/openapi-core';
import { expect, it } from 'vitest';

const config = await createConfig({ extends: ['recommended-strict'] });

it('the API document has nothing for a public linter to say', async () => {
  const problems = await lint({ ref: 'docs/api.yaml', config });
  expect(
    problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} at ${location[0]?.pointer ?? ''}`),
  ).toEqual([]);
});

it('which would have something to say of another one', async () => {
  const problems = await lintFromString({
    source: 'openapi: 3.1.0\ninfo: { title: Lapse }\npaths: {}',
    config,
  });
  expect(problems.map(({ ruleId }) => ruleId)).toContain('struct');
});
