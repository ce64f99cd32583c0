/** A wrong entry of a secret is told before a call needs it: each alarm on the configuration has a line that names the field. */
import { expect, it } from 'vitest';
import { accountsSecret, resetAws, signingKeysSecret } from '../support/aws-clients.ts';
import { deliveryWith, signedEvent } from '../support/klarna-deliveries.ts';
import { lambdaContext, recurringEvent } from '../support/lambda-events.ts';
import { planted, plantedIn } from '../support/planted-secrets.ts';
import { setUpHandlers } from '../support/set-up-handlers.ts';

const { sweep, receive, output } = await setUpHandlers(async () => ({
  sweep: (await import('../../functions/reconcile-payment-requests.ts')).handler,
  receive: (await import('../../functions/receive-klarna-webhook.ts')).handler,
}));

const told = () => output.lines().filter(({ code }) => code === 'secret.invalid');

it('the sweep names each wrong entry of the secrets, also of accounts that no call needs', async () => {
  const wrong = {
    'shop-no': { environment: 'test', api_key: planted.apiKey, defualt_session_timeout: 'PT20M' },
    'Shop SE': { environment: 'test', api_key: planted.apiKey },
  };
  resetAws(JSON.stringify({ ...(JSON.parse(accountsSecret()) as object), ...wrong }));
  await sweep(recurringEvent, lambdaContext(60_000));
  const lines = told();
  expect(lines.map((line) => line['error_message'])).toEqual([
    expect.stringMatching(
      /^The secret accounts, entry shop-no: defualt_session_timeout is not a setting; did you mean default_session_timeout\.$/,
    ),
    expect.stringMatching(
      /^The secret accounts, entry a field with an unusual name: the name of an account must/,
    ),
  ]);
  expect(lines[0]).toMatchObject({
    fault: 'misconfigured',
    ConfigurationFault: expect.anything() as unknown,
  });
  expect(plantedIn(output.text())).toEqual([]);
  // Each check reads the secrets, so it is made once in five minutes.
  await sweep(recurringEvent, lambdaContext(60_000));
  expect(told()).toHaveLength(2);
});

it('the webhook names each wrong signing key when it reads the secret, and accepts webhooks of the others', async () => {
  const keys = JSON.parse(signingKeysSecret()) as Record<string, unknown>;
  const misspelled = { key: planted.signingKey, acounts: { [planted.apiKey]: 'shop-se' } };
  resetAws(undefined, JSON.stringify({ ...keys, 'key-of-another': misspelled }));
  const response = await receive(signedEvent(deliveryWith()), lambdaContext());
  expect(response.statusCode).toBe(200);
  expect(told().map((line) => line['error_message'])).toEqual([
    'The secret signing-keys, entry key-of-another: acounts is not a setting; did you mean accounts.',
  ]);
  expect(plantedIn(output.text())).toEqual([]);
});
