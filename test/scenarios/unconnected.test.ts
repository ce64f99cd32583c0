/** A system that begins as a new deployment does, and is connected to Klarna by calls, as an operator's command does it. */
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterEach, expect, it, onTestFinished } from 'vitest';
import { defaultApiKeys } from '../../local/secrets/default-secrets.ts';
import { type LocalProcess, startLocalProcess } from '../support/local-process.ts';
import { SystemClient } from '../support/system-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

let system: LocalProcess | undefined;
afterEach(async () => {
  await system?.stop();
});

interface Unconnected {
  readonly lapse: SystemClient;
  readonly outputs: Readonly<Record<string, string>>;
  readonly secrets: SecretsManagerClient;
}

async function start(...options: readonly string[]): Promise<Unconnected> {
  system = await startLocalProcess('--unconnected', ...options);
  const lapse = new SystemClient(system);
  const { body } = await lapse.control('GET', '/outputs');
  const outputs = body['Lapse'] as Record<string, string>;
  const secrets = new SecretsManagerClient({
    endpoint: outputs['AwsEndpointUrl'] ?? '',
    region: outputs['AwsRegion'] ?? '',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  onTestFinished(() => secrets.destroy());
  return { lapse, outputs, secrets };
}

async function klarna({ outputs }: Unconnected, method: string, path: string, body?: unknown) {
  const response = await fetch(`${outputs['KlarnaTestUrl'] ?? ''}${path}`, {
    method,
    headers: {
      authorization: `Basic ${defaultApiKeys.test}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

const write = ({ secrets }: Unconnected, SecretId: string | undefined, value: unknown) =>
  secrets.send(new PutSecretValueCommand({ SecretId, SecretString: JSON.stringify(value) }));

const textOf = async ({ secrets }: Unconnected, SecretId: string | undefined) =>
  (await secrets.send(new GetSecretValueCommand({ SecretId }))).SecretString;

const acquirer = 'krn:partner:global:account:test:M48JWZF8';
const webhooks = '/v2/notification/webhooks';

it('the outputs of a local system name what a deployed stack names', async () => {
  const { outputs } = await start();
  expect(outputs).toMatchObject({
    Stage: 'local',
    MetricsStack: 'Lapse',
    ApiUrl: system?.api,
    ApiAuthorization: 'AWS_IAM',
    WebhookUrl: system?.webhook,
    KlarnaTestUrl: system?.klarna,
    KlarnaLiveUrl: `${system?.klarna ?? ''}/live`,
    CredentialsPrefix: 'Lapse/credentials/',
    ScheduleGroupName: 'Lapse-sessions',
    SweepFailuresQueueUrl: expect.stringContaining('http://127.0.0.1:') as string,
  });
  expect(outputs['FunctionNames']?.split(' ')).toContain('cancel-payment-request=cancel-payment-request');
});

it('an empty system is connected by calls, serves an account without an entry, and is still connected after a kill', async () => {
  const data = await temporaryFolder();
  const first = await start('--data', data);
  const { outputs } = first;
  const credential = `${outputs['CredentialsPrefix'] ?? ''}acquirer`;
  const names = [outputs['AccountsSecretName'], outputs['SigningKeysSecretName'], credential];
  expect(await Promise.all(names.map((name) => textOf(first, name)))).toEqual(['{}', '{}', '{}']);
  expect((await klarna(first, 'GET', webhooks)).json).toEqual({ webhooks: [] });

  const { json: key } = await klarna(first, 'POST', '/v2/notification/signing-keys');
  const id = String(key['signing_key_id']);
  await write(first, outputs['SigningKeysSecretName'], {
    [id]: {
      key: key['signing_key'],
      live: false,
      recipient_account_id: acquirer,
      credential: 'acquirer',
      subjects: '*',
    },
  });
  const subscribed = await klarna(first, 'POST', webhooks, {
    url: outputs['WebhookUrl'],
    event_types: ['payment.request.*', 'payment.transaction.state-change.*'],
    event_version: 'v2',
    signing_key_id: id,
    status: 'ENABLED',
  });
  expect(subscribed.status).toBe(201);
  await write(first, credential, {
    environment: 'test',
    api_key: defaultApiKeys.test,
    acquirer_account_id: acquirer,
  });
  const account = 'm4shop';
  const createPath = `/v2/accounts/${acquirer.replace('M48JWZF8', 'M4SHOP')}/payment/requests`;
  const request = String((await klarna(first, 'POST', createPath, {})).json['payment_request_id']);
  const path = `/payment-requests/${request}`;
  const history = async (lapse: SystemClient) =>
    JSON.stringify((await lapse.api('GET', `${path}/history`, undefined, account)).body);
  await expect.poll(() => history(first.lapse), { timeout: 10_000 }).toContain(id);
  expect((await first.lapse.api('DELETE', path, undefined, account)).body['outcome']).toBe('canceled');
  const webhookPort = new URL(outputs['WebhookUrl'] ?? '').port;
  await system?.killAll();

  const second = await start('--data', data, '--webhook-port', webhookPort);
  expect(await textOf(second, credential)).toContain(defaultApiKeys.test);
  expect((await klarna(second, 'GET', webhooks)).json).toEqual({ webhooks: [subscribed.json] });
  const { status } = await second.lapse.api('GET', path, undefined, account);
  expect(status).toBe(200);
}, 60_000);
