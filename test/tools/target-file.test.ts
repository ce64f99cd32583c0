import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readTargetFile } from '../support/target-file.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const target = {
  api: 'https://api.example',
  webhook: 'https://webhook.example',
  region: 'eu-north-1',
  account: 'shop-se',
  subject_account_id: 'krn:partner:global:account:test:M1',
  signing_key_id: 'k1',
  signing_key: 'not-a-real-secret',
};

/** What reading a file with this content returns or throws. */
async function resultOf(content: string): Promise<string> {
  const file = join(await temporaryFolder(), 'target.json');
  writeFileSync(file, content);
  try {
    return JSON.stringify(readTargetFile(file));
  } catch (error) {
    return String(error).replace(file, 'target.json');
  }
}

it('a target file is read', async () => {
  expect(JSON.parse(await resultOf(JSON.stringify(target)))).toEqual(target);
});

it('a target file can name a simulator, a queue of events and a token', async () => {
  const further = {
    klarna_simulator: 'http://127.0.0.1:5300',
    events_queue: 'https://sqs.example/inbox',
    bearer_token: 'not-a-real-token',
  };
  expect(JSON.parse(await resultOf(JSON.stringify({ ...target, ...further })))).toEqual({
    ...target,
    ...further,
  });
});

it('a missing target file is one sentence that names it', () => {
  expect(() => readTargetFile('no/such.json')).toThrow(
    /^TARGET is "no\/such\.json", which is not a file that can be read; docs\/get-started\/deploy\.md says .*\.$/,
  );
});

it.each([
  ['no JSON', '{', 'The text is not JSON; allowed: one JSON object.'],
  ['a missing field', JSON.stringify({ ...target, region: undefined }), 'region is missing'],
  ['an unknown field', JSON.stringify({ ...target, regoin: 'x' }), 'regoin is '],
])('a target file with %s is one sentence without its secrets', async (_, content, why) => {
  const said = await resultOf(content);
  expect(said).toContain(`Error: TARGET is "target.json", and in it: ${why}`);
  expect(said).not.toContain('not-a-real-secret');
});
