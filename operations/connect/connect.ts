import {
  checkCredential,
  type CredentialEntry,
} from '../../functions/adapters/secrets/secret-credentials.ts';
import { basicUsername, headerText } from '../../functions/adapters/secrets/secret-fields.ts';
import { accountOfKrn } from '../../functions/domain/credential.ts';
import { formatInstant } from '../../functions/domain/instant.ts';
import * as v from 'valibot';
import type { KlarnaAccess, KlarnaAccount, Webhook } from '../klarna/klarna-account.ts';
import { environmentOfApiKey, environmentOfKrn } from '../klarna/klarna-environment.ts';
import { KlarnaError } from '../klarna/klarna-error.ts';
import { UsageError } from '../usage-error.ts';
import type { Binding } from './binding.ts';
import { accessOf, type Connection } from './connection.ts';
import { probeAccess } from './probe-access.ts';
import { deleteLostKeys, endNote, ensureSigningKey, removeUnusedKeys } from './signing-key.ts';
import { eventVersion, mergedTypes, ownWebhooks, typesFor } from './subscription.ts';
import { fireAndWait, noDelivery } from './wait-for-delivery.ts';

/** What the operator gives. */
export interface ConnectRequest {
  readonly environment: CredentialEntry['environment'];
  readonly acquirerAccountId: string | undefined;
  readonly partnerAccountId: string | undefined;
  readonly username: string | undefined;
  /** A certificate and its key in PEM. */
  readonly identity: { readonly certificate: string; readonly key: string } | undefined;
  /** The API key. Undefined: the one that the secret has. */
  readonly apiKey: string | undefined;
  /** Asks before the API key of the secret is replaced. */
  readonly confirm: (question: string) => Promise<boolean>;
}

/** Credentials that a deployment may have (docs/reference/configuration.md). */
const mostCredentials = 20;

/**
 * Connects a credential with Klarna. The API key is checked, a signing key is made and stored, and this address is subscribed. Then the
 * secret of the credential is written, and a test delivery arrives. Each step looks at what is there. So a second run changes nothing, and
 * a run after one that was killed does what that one left.
 *
 * @returns whether webhooks arrive
 * @throws {UsageError} where what was given cannot be right; nothing was changed then
 */
export async function connect(connection: Connection, request: ConnectRequest): Promise<boolean> {
  const { credential, editor, credentialSecret, names, isDryRun, show } = connection;
  const stored = checkCredential(credential, await editor.read(credentialSecret));
  const binding = bindingOf(connection, request, stored);
  const added = await names.credentialNames();
  if (!added.includes(credential) && added.length >= mostCredentials)
    throw new UsageError(`There are ${added.length} credentials; allowed: at most ${mostCredentials}.`);
  const given = givenAccess(request, stored);
  const { klarna, access, way } = await probeAccess(
    (each) => connection.klarnaWith(binding.environment, each),
    given,
    binding,
  );
  show(
    'api_key',
    'unchanged',
    `API key: Klarna accepts it in the environment ${binding.environment}, sent as ${way}.`,
  );
  if (stored && stored.api_key !== access.apiKey) {
    // The key that is given may be the old one, which the rotation will disable.
    if (stored.old_api_key_id !== undefined)
      throw new UsageError(
        `The API key of ${credential} is being rotated. Leave standard input empty to keep the new one.`,
      );
    await confirmNewKey(connection, request);
  }

  const entry = await credentialEntry(klarna, { binding, access, stored });
  // What the secret cannot hold is found before anything is changed.
  await editor.check(credentialSecret, (entries) => withoutUndefined({ ...entries, ...entry }));

  await deleteLostKeys(connection, klarna);
  const webhook = await ownWebhook(connection, klarna, binding);
  const keyId = await ensureSigningKey(connection, klarna, binding, webhook);
  const subscribed = await ensureSubscription(connection, klarna, binding, { webhook, keyId });
  if (keyId !== undefined) await removeUnusedKeys(connection, klarna, keyId, webhook?.signing_key_id);
  if (keyId !== undefined) await endNote(connection);
  await writeCredential(connection, entry);
  if (!added.includes(credential) && !isDryRun) await names.addCredentialName(credential);
  return subscribed ? seeDelivery(connection, klarna, subscribed) : true;
}

/** The account that the credential is for, by what is given and what is stored. */
function bindingOf(
  { credential }: Connection,
  { environment, acquirerAccountId: acquirer, partnerAccountId: partner }: ConnectRequest,
  stored: CredentialEntry | undefined,
): Binding {
  if (stored && stored.environment !== environment)
    throw new UsageError(
      `--env is ${environment}, and the credential ${credential} is of the environment ${stored.environment}. Give another --credential for ${environment}.`,
    );
  const storedAcquirer = stored?.acquirer_account_id;
  if (stored && acquirer !== undefined && acquirer !== storedAcquirer)
    throw new UsageError(
      `--acquirer-account is ${acquirer}, and the credential ${credential} is for ${storedAcquirer ?? 'an account of its own'}. Give another --credential.`,
    );
  if (storedAcquirer !== undefined && partner !== undefined)
    throw new UsageError(
      `--partner-account is given, and the credential ${credential} is for the acquiring partner ${storedAcquirer}.`,
    );
  const id = acquirer ?? storedAcquirer ?? partner;
  if (id === undefined)
    throw new UsageError(
      'Give --acquirer-account KRN for an acquiring partner, or --partner-account KRN for one account.',
    );
  const said = environmentOfKrn(id);
  if (said !== undefined && said !== environment)
    throw new UsageError(`${id} is an account of the environment ${said}; --env is ${environment}.`);
  const kind = acquirer === undefined && storedAcquirer === undefined ? 'partner' : 'acquirer';
  if (kind === 'acquirer' && accountOfKrn(id) === undefined)
    throw new UsageError(
      `--acquirer-account is ${id}; allowed: an id that ends in capital letters, digits and hyphens.`,
    );
  return { credential, environment, account: { kind, id } };
}

/** The access to try: what is given, else what is stored. */
function givenAccess(request: ConnectRequest, stored: CredentialEntry | undefined): KlarnaAccess {
  const { environment, username, identity } = request;
  const known = stored && accessOf(stored);
  const apiKey = request.apiKey ?? known?.apiKey;
  if (apiKey === undefined)
    throw new UsageError('The API key is missing: give it on standard input, or by --key-fd.');
  if (!v.is(headerText, apiKey))
    throw new UsageError('The API key has a character that no key has, such as a space or a line end.');
  const said = environmentOfApiKey(apiKey);
  if (said !== undefined && said !== environment)
    throw new UsageError(`The API key is of the environment ${said}; --env is ${environment}.`);
  if (/^klarna_(?:test|live)_client_/.test(apiKey))
    throw new UsageError(
      'This is a client id for browsers; an API key begins with klarna_test_api_ or klarna_live_api_.',
    );
  if (username !== undefined && !v.is(basicUsername, username))
    throw new UsageError('--username has a colon, or a character that is not printable ASCII.');
  return {
    ...known,
    apiKey,
    username: username ?? (apiKey === known?.apiKey ? known.username : undefined),
    clientCertificate: identity?.certificate ?? known?.clientCertificate,
    clientKey: identity?.key ?? known?.clientKey,
  };
}

async function confirmNewKey(
  { credential, isDryRun }: Connection,
  { confirm }: ConnectRequest,
): Promise<void> {
  if (isDryRun) return;
  const question = `The credential ${credential} has another API key. Replace it by this one?`;
  if (!(await confirm(question))) throw new UsageError('Nothing was changed.');
}

/** The subscription of this address. Where there are several, the one whose key the credential has. */
async function ownWebhook(
  { webhookUrl, editor, signingKeysSecret }: Connection,
  klarna: KlarnaAccount,
  binding: Binding,
): Promise<Webhook | undefined> {
  const own = ownWebhooks(await klarna.webhooks(), webhookUrl);
  const entries = await editor.read(signingKeysSecret);
  const wanted = typesFor(binding);
  const rank = (webhook: Webhook): number =>
    (Object.hasOwn(entries, webhook.signing_key_id) ? 2 : 0) +
    (mergedTypes(webhook.event_types, wanted).length === webhook.event_types.length ? 1 : 0);
  return own.toSorted((a, b) => rank(b) - rank(a))[0];
}

async function ensureSubscription(
  { webhookUrl, isDryRun, show }: Connection,
  klarna: KlarnaAccount,
  binding: Binding,
  { webhook, keyId }: { readonly webhook: Webhook | undefined; readonly keyId: string | undefined },
): Promise<Webhook | undefined> {
  const types = mergedTypes(webhook?.event_types ?? [], typesFor(binding));
  const result = isDryRun ? 'would_do' : 'done';
  if (!webhook) {
    const line = `${webhookUrl} ${isDryRun ? 'would be subscribed' : 'subscribed'} to ${types.join(', ')}.`;
    if (isDryRun || keyId === undefined) {
      show('webhook', result, line);
      return undefined;
    }
    const made = await klarna.subscribe({
      url: webhookUrl,
      event_types: [...types],
      event_version: eventVersion,
      signing_key_id: keyId,
      status: 'ENABLED',
    });
    show('webhook', result, `Webhook ${made.webhook_id}: ${line}`);
    return made;
  }
  const changes = {
    ...(types.length > webhook.event_types.length && { event_types: [...types] }),
    ...(webhook.event_version !== eventVersion && { event_version: eventVersion }),
    ...(keyId !== webhook.signing_key_id && keyId !== undefined && { signing_key_id: keyId }),
    ...(webhook.status !== 'ENABLED' && { status: 'ENABLED' }),
  };
  const changed = Object.keys(changes);
  if (changed.length === 0) {
    show('webhook', 'unchanged', `Webhook ${webhook.webhook_id}: subscribed and enabled.`);
    return webhook;
  }
  const verb = isDryRun ? 'would be changed' : 'changed';
  const line = `Webhook ${webhook.webhook_id}: ${verb} (${changed.join(', ')}).`;
  const now = isDryRun ? webhook : await klarna.changeWebhook(webhook.webhook_id, changes);
  show('webhook', result, line);
  return now;
}

/** What the secret of the credential gets. A field without a value is taken out. */
async function credentialEntry(
  klarna: KlarnaAccount,
  {
    binding: { account, environment },
    access,
    stored,
  }: {
    readonly binding: Binding;
    readonly access: KlarnaAccess;
    readonly stored: CredentialEntry | undefined;
  },
): Promise<Readonly<Record<string, unknown>>> {
  const isSameKey = stored?.api_key === access.apiKey;
  return {
    environment,
    api_key: access.apiKey,
    username: access.username,
    ...(account.kind === 'acquirer' && { acquirer_account_id: account.id }),
    client_certificate: access.clientCertificate,
    client_key: access.clientKey,
    api_key_id: (isSameKey ? stored.api_key_id : undefined) ?? (await onlyApiKey(klarna)),
  };
}

async function writeCredential(
  { credential, editor, credentialSecret, isDryRun, show }: Connection,
  entry: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { diff } = await editor.edit(credentialSecret, (entries) =>
    withoutUndefined({ ...entries, ...entry }),
  );
  if (diff.length === 0) {
    show('credential', 'unchanged', `Credential ${credential}: the secret is as it should be.`);
    return;
  }
  const verb = isDryRun ? 'would be written' : 'written';
  const line = `Credential ${credential}: the secret ${verb} (${diff.join('; ')}). Functions use it within two minutes.`;
  show('credential', isDryRun ? 'would_do' : 'done', line);
}

const withoutUndefined = (entries: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));

/** Klarna's id of the API key, where the account has only one that is active. A list does not say which key a call was made with. */
async function onlyApiKey(klarna: KlarnaAccount): Promise<string | undefined> {
  try {
    const active = (await klarna.apiKeys()).filter(({ state }) => state === undefined || state === 'ACTIVE');
    const [only, another] = active;
    return another ? undefined : only?.credential_id;
  } catch (error) {
    if (!(error instanceof KlarnaError)) throw error;
    // A key need not be allowed to list keys. `lapse keys rotate api` then asks for the id.
    return undefined;
  }
}

async function seeDelivery(
  { arrivals, clock, isDryRun, show }: Connection,
  klarna: KlarnaAccount,
  webhook: Webhook,
): Promise<boolean> {
  const last = await arrivals.last(webhook.signing_key_id);
  if (last !== undefined) {
    show('delivery', 'unchanged', `Webhooks arrive: the last one noted came at ${formatInstant(last)}.`);
    return true;
  }
  if (isDryRun) {
    show('delivery', 'would_do', 'Klarna would be asked for a test delivery.');
    return true;
  }
  show('delivery', 'waiting', 'Waiting for a test delivery of Klarna …');
  const arrived = await fireAndWait({ klarna, arrivals, clock }, webhook);
  if (arrived === undefined) show('delivery', 'failed', noDelivery);
  else show('delivery', 'done', `A test delivery arrived at ${arrived}.`);
  return arrived !== undefined;
}
