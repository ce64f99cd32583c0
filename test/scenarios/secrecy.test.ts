import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { piiCanaries } from '../../local/klarna-simulator/pii-canaries.ts';
import { startLocalProcess } from '../support/local-process.ts';
import { planted } from '../support/planted-secrets.ts';
import { newPaymentRequestId, SystemClient } from '../support/system-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const merchant = 'krn:partner:global:account:test:MPLANTED';
interface Key {
  readonly id: string;
  readonly key: string;
}

const firstKey: Key = { id: 'krn:partner:global:notification:signing-key:first', key: planted.signingKey };
const secondKey: Key = {
  id: 'krn:partner:global:notification:signing-key:second',
  key: 'second-planted-key-77aa',
};

const signingKeysOf = (...keys: readonly Key[]) =>
  JSON.stringify(
    Object.fromEntries(
      keys.map(({ id, key }) => [id, { key, live: false, accounts: { [merchant]: 'demo' } }]),
    ),
  );

async function startPlanted(data: string) {
  const accounts = join(data, 'given-accounts.json');
  const signingKeys = join(data, 'given-signing-keys.json');
  const account = { environment: 'test', api_key: planted.apiKey, partner_account_id: merchant };
  await writeFile(accounts, JSON.stringify({ demo: account }));
  await writeFile(signingKeys, signingKeysOf(firstKey));
  const system = await startLocalProcess(
    ...['--accounts', accounts, '--signing-keys', signingKeys, '--data', join(data, 'kept')],
  );
  onTestFinished(() => system.stop().then(() => undefined));
  return { system, signingKeys, lapse: new SystemClient(system) };
}

const metadata = { subject_account_id: merchant };

it('two signing keys are valid at once, and an added one is valid without a restart', async () => {
  const { lapse, signingKeys } = await startPlanted(await temporaryFolder());
  const id = newPaymentRequestId();
  expect((await lapse.deliver(id, 'SUBMITTED', { key: firstKey, metadata })).status).toBe(200);
  await writeFile(signingKeys, signingKeysOf(firstKey, secondKey));
  expect((await lapse.deliver(id, 'IN_PROGRESS', { key: secondKey, metadata })).status).toBe(200);
  expect((await lapse.deliver(id, 'COMPLETED', { key: firstKey, metadata })).status).toBe(200);
  const forged = { ...secondKey, key: firstKey.key };
  expect((await lapse.deliver(id, 'DECLINED', { key: forged, metadata })).status).toBe(400);
  expect((await lapse.record(id))['state']).toBe('COMPLETED');
});

it('no secret, token, body or personal data is stored, logged, published or queued', async () => {
  const data = await temporaryFolder();
  const { system, lapse } = await startPlanted(data);
  const person = {
    klarna_customer: { customer_profile: { given_name: planted.name, email: planted.email } },
    klarna_network_session_token: planted.token,
    shipping: [{ address: planted.address }],
    note: planted.text,
  };

  // Sends such data everywhere once: webhooks of every kind, reads, cancels, failures, malformed bodies.
  const paid = await lapse.createAtKlarna({ partner_account_id: merchant });
  await lapse.register(paid, { session_timeout: 'PT2S', session_id: 'cart-1', reference: 'order-1' });
  await lapse.customer(paid, 'approve');
  await lapse.until(paid, ({ timer }) => timer === 'fired');
  expect((await lapse.cancel(paid)).status).toBe(409);
  const abandoned = await lapse.createAtKlarna({ partner_account_id: merchant });
  await lapse.simulator('POST', '/faults', { kind: 'html', on: 'cancel', payment_request_id: abandoned });
  expect((await lapse.cancel(abandoned)).status).toBe(200);
  const fates = [
    await lapse.deliver(newPaymentRequestId(), 'COMPLETED', { key: firstKey, metadata, payload: person }),
    await lapse.deliver(newPaymentRequestId(), 'PAUSED', { key: firstKey, metadata, payload: person }),
    await lapse.deliver(newPaymentRequestId(), 'COMPLETED', { key: firstKey, payload: person }),
    await lapse.deliver(newPaymentRequestId(), 'COMPLETED', {
      key: { ...firstKey, key: 'wrong' },
      payload: person,
    }),
    await lapse.post(`{"${planted.text}`, firstKey),
    await lapse.register(paid, { session_timeout: planted.text, [planted.email]: planted.name }),
    await lapse.register(paid, `{"broken": "${planted.name}`),
  ];
  expect(fates.map(({ status }) => status)).toEqual([200, 200, 200, 400, 200, 400, 400]);
  await lapse.control('POST', '/faults', {
    target: 'dynamodb',
    kind: 'error',
    action: 'UpdateItem',
    times: 3,
  });
  await lapse.deliver(newPaymentRequestId(), 'COMPLETED', { key: firstKey, metadata, payload: person });
  await lapse.control('DELETE', '/faults');
  await expect.poll(async () => (await lapse.events()).length).toBeGreaterThan(2);

  const page = await lapse.api('POST', '/sessions/cart-1/page-token');
  const pageToken = String(page.body['token']);
  const readPage = (authorization: string) =>
    fetch(`${system.api}/page/session`, { headers: { authorization } });
  expect((await readPage(`Bearer ${pageToken}`)).status).toBe(200);
  expect((await readPage(`Bearer ${pageToken}x`)).status).toBe(401);

  const published = JSON.stringify(await lapse.events());
  const shown = JSON.stringify([
    (await lapse.api('GET', `/payment-requests/${paid}`)).body,
    (await lapse.api('GET', `/payment-requests/${paid}/history`)).body,
    (await lapse.control('GET', '/dead-letters')).body,
    (await lapse.control('GET', '/schedules')).body,
  ]);
  await system.stop();
  const kept = join(data, 'kept');
  const files = await filesUnder(kept, ['klarna']);
  expect(files.length).toBeGreaterThan(3);
  // The local system keeps its key of page tokens with the data, as Secrets Manager would.
  const isKeyFile = ([name]: readonly [string, string]) => name.endsWith('page-keys.json');
  const { current: pageKey } = JSON.parse(files.find(isKeyFile)?.[1] ?? '') as { readonly current: string };
  const secrets = [...Object.values(planted), ...Object.values(piiCanaries), pageToken, pageKey];
  const searched = files.filter((file) => !isKeyFile(file));
  for (const [place, text] of [['events', published], ['responses', shown], ...searched] as const) {
    expect(
      secrets.filter((secret) => text.includes(secret)),
      place,
    ).toEqual([]);
  }
  // The search finds what exists.
  expect(files.some(([, text]) => text.includes(paid))).toBe(true);
  expect(system.output()).not.toContain(planted.apiKey);
});

/** Every file with its text, without some folders of the first level. */
async function filesUnder(
  folder: string,
  without: readonly string[],
): Promise<readonly (readonly [string, string])[]> {
  const names = await readdir(folder, { recursive: true });
  const texts = await Promise.all(
    names
      .filter((name) => !without.some((skipped) => name === skipped || name.startsWith(`${skipped}/`)))
      .map(async (name) => {
        const path = join(folder, name);
        return (await stat(path)).isFile() ? ([name, await readFile(path, 'latin1')] as const) : undefined;
      }),
  );
  return texts.filter((text) => text !== undefined);
}
