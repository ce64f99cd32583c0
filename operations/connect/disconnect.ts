import { checkCredential } from '../../functions/adapters/secrets/secret-credentials.ts';
import type { SigningKeyEntry } from '../../functions/adapters/secrets/secret-signing-keys.ts';
import type { CredentialName } from '../../functions/domain/identifiers.ts';
import type { KlarnaAccount } from '../klarna/klarna-account.ts';
import type { Entries } from '../secrets/secret-diff.ts';
import { UsageError } from '../usage-error.ts';
import { allKeys, keysOf } from './binding.ts';
import { accessOf, type Connection } from './connection.ts';
import { deleteLostKeys, endNote, without } from './signing-key.ts';
import { ownWebhooks } from './subscription.ts';

/** How to disconnect. */
export interface DisconnectRequest {
  /** Leaves everything at Klarna as it is: for an API key that Klarna no longer accepts. */
  readonly leavesKlarna: boolean;
  readonly confirm: (question: string) => Promise<boolean>;
}

/**
 * Takes a credential out: first the webhook and the signing keys at Klarna, then the entries. The secret of the credential comes last,
 * because the steps before it need it. So a run after one that was killed does the rest. What other credentials and accounts use stays.
 */
export async function disconnect(connection: Connection, request: DisconnectRequest): Promise<void> {
  const { credential, editor, credentialSecret, signingKeysSecret, names, isDryRun, show } = connection;
  const stored = checkCredential(credential, await editor.read(credentialSecret));
  const keys = keysOf(credential, await editor.read(signingKeysSecret));
  const isNamed = (await names.credentialNames()).includes(credential);
  if (!stored && keys.size === 0 && !isNamed) {
    show('credential', 'unchanged', `Credential ${credential}: not connected. Nothing was changed.`);
    return;
  }
  const question = `Sessions on the credential ${credential} then no longer end at Klarna. Disconnect it?`;
  if (!isDryRun && !(await request.confirm(question))) throw new UsageError('Nothing was changed.');
  if (!request.leavesKlarna) {
    if (stored) {
      const klarna = connection.klarnaWith(stored.environment, accessOf(stored));
      await clearKlarna(connection, klarna, keys);
    } else if (keys.size > 0) {
      throw new UsageError(
        `The API key of ${credential} is no longer in its secret. Delete its webhook in Klarna's portal, then give --leave-klarna.`,
      );
    }
  }
  const taken = await editor.edit(signingKeysSecret, (entries) => withoutCredential(entries, credential));
  for (const line of taken.diff) showDone(connection, 'signing_keys', `signing-keys: ${line}`);
  if (stored) {
    await editor.edit(credentialSecret, () => ({}));
    showDone(
      connection,
      'credential',
      `Credential ${credential}: the secret ${isDryRun ? 'would be' : 'is'} empty.`,
    );
  }
  await endNote(connection);
  if (isNamed && !isDryRun) await names.removeCredentialName(credential);
}

async function clearKlarna(
  connection: Connection,
  klarna: KlarnaAccount,
  keys: ReadonlyMap<string, SigningKeyEntry>,
): Promise<void> {
  const { credential, editor, signingKeysSecret, webhookUrl, isDryRun } = connection;
  await deleteLostKeys(connection, klarna);
  const stored = allKeys(await editor.read(signingKeysSecret));
  const deleted = isDryRun ? 'would be deleted' : 'deleted';
  const webhooks = await klarna.webhooks();
  const own = ownWebhooks(webhooks, webhookUrl).filter(({ signing_key_id: id }) => {
    const entry = stored.get(id);
    return entry === undefined || isOnlyFor(credential, entry);
  });
  for (const { webhook_id: id } of own) {
    if (!isDryRun) await klarna.deleteWebhook(id);
    showDone(connection, 'webhook', `Webhook ${id}: ${deleted}.`);
  }
  const left = webhooks.filter((webhook) => !own.includes(webhook));
  for (const [id, entry] of keys) {
    if (!isOnlyFor(credential, entry) || left.some((webhook) => webhook.signing_key_id === id)) continue;
    if (!isDryRun) await klarna.deleteSigningKey(id);
    showDone(connection, 'signing_key', `Signing key ${id}: ${deleted}.`);
  }
}

/** The entries without what binds them to the credential. */
const withoutCredential = (entries: Entries, credential: CredentialName): Entries => {
  const keys = keysOf(credential, entries);
  const gone = [...keys].filter(([, entry]) => isOnlyFor(credential, entry)).map(([id]) => id);
  const shared = [...keys].filter(([id]) => !gone.includes(id));
  return {
    ...without(entries, gone),
    ...Object.fromEntries(shared.map(([id, entry]) => [id, unbound(entry, credential)])),
  };
};

/** Whether the key reports for nothing but the credential. */
const isOnlyFor = (credential: CredentialName, { accounts, credential: named }: SigningKeyEntry): boolean =>
  (named === undefined || named === credential) &&
  Object.values(accounts ?? {}).every((name) => name === credential || named === credential);

function unbound(entry: SigningKeyEntry, credential: CredentialName): SigningKeyEntry {
  const { accounts = {}, ...rest } = entry;
  return {
    ...rest,
    accounts: Object.fromEntries(Object.entries(accounts).filter(([, name]) => name !== credential)),
  };
}

const showDone = ({ show, isDryRun }: Connection, step: string, line: string): void =>
  show(step, isDryRun ? 'would_do' : 'done', line);
