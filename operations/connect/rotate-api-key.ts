import {
  checkCredential,
  type CredentialEntry,
} from '../../functions/adapters/secrets/secret-credentials.ts';
import type { KlarnaAccount, KlarnaApiKey } from '../klarna/klarna-account.ts';
import { UsageError } from '../usage-error.ts';
import { accessOf, type Connection } from './connection.ts';
import { dueTime, type RotationState } from './retirement.ts';
import { without } from './signing-key.ts';
import { waitInWords } from './wait-in-words.ts';

/** What the operator gives. */
export interface RotateApiKeyRequest {
  /** Klarna's id of the API key that is in use, where the secret does not have it. */
  readonly keyId: string | undefined;
  readonly confirm: (question: string) => Promise<boolean>;
}

/** Attempts with a new key, and the milliseconds between them: it may take Klarna some time to accept it. */
const attempts = 10;
const attemptPause = 2_000;

/**
 * Rotates the API key. The secret has the state. The new key is written once Klarna accepts it, with the id of the old one and the time when
 * that is due. A later run disables the old key.
 */
export async function rotateApiKey(
  connection: Connection,
  entry: CredentialEntry,
  { keyId, confirm }: RotateApiKeyRequest,
): Promise<RotationState> {
  const { credential, isDryRun, editor, credentialSecret, clock, show } = connection;
  const klarna = connection.klarnaWith(entry.environment, accessOf(entry));
  if (entry.old_api_key_id !== undefined) return disableOldKey(connection, klarna, entry);
  const active = (await klarna.apiKeys()).filter(({ state }) => state === undefined || state === 'ACTIVE');
  const current = currentKey(active, entry, keyId);
  await disableLostKeys(connection, klarna, active, current);
  if (isDryRun) {
    show('api_key', 'would_do', `API key ${current}: would be replaced by a new one.`);
    return 'waiting';
  }
  if (!(await confirm(`Replace the API key of ${credential}?`))) throw new UsageError('Nothing was changed.');
  const { id, apiKey } = await klarna.createApiKey(connection.keyDescription);
  await seeAccepted(connection, klarna.with({ apiKey }), klarna, id);
  const due = dueTime(clock.now());
  const { entries: written } = await editor.edit(credentialSecret, (entries) => {
    // Another one was stored meanwhile: it is in use, and this one is not needed.
    if (checkCredential(credential, entries)?.api_key !== entry.api_key) return entries;
    return {
      ...entries,
      api_key: apiKey,
      api_key_id: id,
      old_api_key_id: current,
      old_api_key_retire_after: due,
    };
  });
  if (written['api_key'] !== apiKey) {
    await klarna.disableApiKey(id);
    throw new Error(`The API key of ${credential} was changed meanwhile. The new key was disabled.`);
  }
  show('api_key', 'done', `API key ${id}: made at Klarna and written to the secret of ${credential}.`);
  show('old_api_key', 'waiting', `API key ${current}: valid until ${due}. Run the command again after that.`);
  return 'waiting';
}

async function disableOldKey(
  { editor, credentialSecret, isDryRun, clock, show }: Connection,
  klarna: KlarnaAccount,
  { old_api_key_id: id = '', old_api_key_retire_after: due = '' }: CredentialEntry,
): Promise<RotationState> {
  const left = Date.parse(due) - clock.now();
  if (left > 0) {
    show(
      'old_api_key',
      'waiting',
      `API key ${id}: valid until ${due}. Run the command again in ${waitInWords(left)}.`,
    );
    return 'waiting';
  }
  if (isDryRun) {
    show('old_api_key', 'would_do', `API key ${id}: would be disabled.`);
    return 'done';
  }
  await klarna.disableApiKey(id);
  await editor.edit(credentialSecret, (entries) =>
    without(entries, ['old_api_key_id', 'old_api_key_retire_after']),
  );
  show('old_api_key', 'done', `API key ${id}: disabled. The rotation is complete.`);
  return 'done';
}

/** Klarna's id of the key that is in use. The list of keys does not say which one a call was made with. */
function currentKey(
  active: readonly KlarnaApiKey[],
  { api_key_id: stored }: CredentialEntry,
  given: string | undefined,
): string {
  const [only, another] = active;
  const id = stored ?? given ?? (another ? undefined : only?.credential_id);
  if (id !== undefined && active.some(({ credential_id }) => credential_id === id)) return id;
  const listed = active.map(
    ({ credential_id, last_used_at: used = 'never' }) => `${credential_id} (last used ${used})`,
  );
  throw new UsageError(
    `Klarna does not say which API key is in use. Give --key-id; active are: ${listed.join(', ') || 'none'}.`,
  );
}

/** Disables the keys that an earlier command made and could not store. Their description says that it made them for this credential. */
async function disableLostKeys(
  { keyDescription, isDryRun, show }: Connection,
  klarna: KlarnaAccount,
  active: readonly KlarnaApiKey[],
  current: string,
): Promise<void> {
  const lost = active.filter(
    ({ credential_id: id, description }) => id !== current && description === keyDescription,
  );
  for (const { credential_id: id } of lost) {
    if (!isDryRun) await klarna.disableApiKey(id);
    const [result, verb] = isDryRun
      ? (['would_do', 'would be disabled'] as const)
      : (['done', 'disabled'] as const);
    show('lost_api_key', result, `API key ${id}: ${verb}. It was never stored.`);
  }
}

/** Waits until Klarna accepts the new key. One that it does not accept is disabled, and the old one stays. */
async function seeAccepted(
  { clock }: Connection,
  next: KlarnaAccount,
  klarna: KlarnaAccount,
  id: string,
): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    if ((await next.check()).status === 200) return;
    await clock.wait(attemptPause);
  }
  await klarna.disableApiKey(id);
  throw new Error(
    `Klarna does not accept the new API key ${id}. It was disabled, and the old one stays in use.`,
  );
}
