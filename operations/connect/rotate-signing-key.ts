import type { SigningKeyEntry } from '../../functions/adapters/secrets/secret-signing-keys.ts';
import type { KlarnaAccount, Webhook } from '../klarna/klarna-account.ts';
import type { Entries } from '../secrets/secret-diff.ts';
import { UsageError } from '../usage-error.ts';
import { isCurrent, keysOf, marked } from './binding.ts';
import type { Connection } from './connection.ts';
import { dueTime, type RotationState } from './retirement.ts';
import { deleteLostKeys, endNote, makeSigningKey, without } from './signing-key.ts';
import { ownWebhooks } from './subscription.ts';
import { waitInWords } from './wait-in-words.ts';

/** Milliseconds after which every function has read a change of a secret: they cache it for 120 seconds. */
const secretSpread = 130_000;

/**
 * Rotates the signing key without a refused delivery. The secret has the state, so the command can be run again after each step.
 * 1. The new key is stored beside the old one, which gets `replaced_by`.
 * 2. The webhook is moved once every function knows the new key. The old one gets `retire_after`.
 * 3. The old key is deleted once nothing can arrive with it.
 */
export async function rotateSigningKey(
  connection: Connection,
  klarna: KlarnaAccount,
  confirm: (question: string) => Promise<boolean>,
): Promise<RotationState> {
  const { credential, editor, signingKeysSecret, isDryRun, show } = connection;
  await deleteLostKeys(connection, klarna);
  // A note about a replaced key is for `lapse connect`, which deletes that key.
  if ((await connection.notes.pending(credential))?.replaced === undefined) await endNote(connection);
  const webhook = await subscriptionOf(connection, klarna);
  await forgetVanishedKeys(connection, klarna);
  const keys = keysOf(credential, await editor.read(signingKeysSecret));
  const retired = [...keys].filter(([, entry]) => entry.retire_after !== undefined);
  if (retired.length > 0) return retire(connection, klarna, retired);
  const [begun] = [...keys].find(([, { replaced_by: by }]) => by !== undefined) ?? [];
  if (begun !== undefined) return moveWebhook(connection, klarna, webhook, begun);
  const entry = keys.get(webhook.signing_key_id);
  if (!entry || !isCurrent(entry))
    throw new UsageError(
      `The key of the webhook ${webhook.webhook_id} is not in signing-keys for ${credential}. Run \`lapse connect\` first.`,
    );
  if (isDryRun) {
    show('signing_key', 'would_do', `Signing key ${webhook.signing_key_id}: would be replaced by a new one.`);
    return 'waiting';
  }
  if (!(await confirm(`Replace the signing key of ${credential}?`)))
    throw new UsageError('Nothing was changed.');
  await makeNextKey(connection, klarna, { id: webhook.signing_key_id, entry });
  return moveWebhook(connection, klarna, webhook, webhook.signing_key_id);
}

/** Makes the key that replaces another one. One write stores it, and notes by which key the other one is replaced. */
async function makeNextKey(
  connection: Connection,
  klarna: KlarnaAccount,
  old: { readonly id: string; readonly entry: SigningKeyEntry },
): Promise<void> {
  const { credential, notes, show } = connection;
  const made = await makeSigningKey(connection, klarna, {
    entryOf: (key) => ({ ...old.entry, key }),
    change: (entries, id) => marked(entries, old.id, { replaced_by: id }),
  });
  await notes.end(credential);
  show('signing_key', 'done', `Signing key ${made}: made at Klarna and written to signing-keys.`);
}

/** Moves the webhook to the new key, once every function knows that, and notes when the old one is due. */
async function moveWebhook(
  { credential, editor, signingKeysSecret, isDryRun, clock, show }: Connection,
  klarna: KlarnaAccount,
  { webhook_id: id, signing_key_id: used }: Webhook,
  old: string,
): Promise<RotationState> {
  const { replaced_by: next } = keysOf(credential, await editor.read(signingKeysSecret)).get(old) ?? {};
  if (next === undefined) throw new Error('The entry was changed meanwhile. Run the command again.');
  if (isDryRun) {
    show('webhook', 'would_do', `Webhook ${id}: would be moved to the key ${next}.`);
    return 'waiting';
  }
  if (used !== next) {
    show('webhook', 'waiting', 'Waiting 130 seconds, until every function has read the new key …');
    await clock.wait(secretSpread);
    await klarna.changeWebhook(id, { signing_key_id: next });
    show('webhook', 'done', `Webhook ${id}: moved to the key ${next}.`);
  }
  const due = dueTime(clock.now());
  await editor.edit(signingKeysSecret, (entries) => marked(entries, old, { retire_after: due }));
  show(
    'old_signing_key',
    'waiting',
    `Signing key ${old}: valid until ${due}. Run the command again after that.`,
  );
  return 'waiting';
}

async function subscriptionOf({ webhookUrl }: Connection, klarna: KlarnaAccount): Promise<Webhook> {
  const [webhook] = ownWebhooks(await klarna.webhooks(), webhookUrl);
  if (!webhook) throw new UsageError(`Klarna has no webhook for ${webhookUrl}. Run \`lapse connect\` first.`);
  return webhook;
}

/** A new key that Klarna no longer has cannot replace another one: the rotation begins again. */
async function forgetVanishedKeys(connection: Connection, klarna: KlarnaAccount): Promise<void> {
  const { credential, editor, signingKeysSecret, isDryRun } = connection;
  if (isDryRun) return;
  const atKlarna = new Set((await klarna.signingKeys()).map((key) => key.signing_key_id));
  await editor.edit(signingKeysSecret, (entries) => {
    const vanished = [...keysOf(credential, entries)].flatMap(([, { replaced_by: by, retire_after }]) =>
      by !== undefined && retire_after === undefined && !atKlarna.has(by) ? [by] : [],
    );
    if (vanished.length === 0) return entries;
    const kept = without(entries, vanished);
    const replaced = [...keysOf(credential, kept)].filter(([, { replaced_by: by = '' }]) =>
      vanished.includes(by),
    );
    return replaced.reduce<Entries>((now, [id]) => marked(now, id, { replaced_by: undefined }), kept);
  });
}

/** Deletes the old keys that are due. */
async function retire(
  { editor, signingKeysSecret, isDryRun, clock, show }: Connection,
  klarna: KlarnaAccount,
  retired: readonly (readonly [string, SigningKeyEntry])[],
): Promise<RotationState> {
  let state: RotationState = 'done';
  const webhooks = await klarna.webhooks();
  for (const [id, { retire_after: due = '' }] of retired) {
    const left = Date.parse(due) - clock.now();
    if (left > 0) {
      show(
        'old_signing_key',
        'waiting',
        `Signing key ${id}: valid until ${due}. Run the command again in ${waitInWords(left)}.`,
      );
      state = 'waiting';
      continue;
    }
    const user = webhooks.find((webhook) => webhook.signing_key_id === id);
    if (user)
      throw new UsageError(
        `The webhook ${user.webhook_id} still uses the old signing key ${id}. Change or delete that webhook first.`,
      );
    if (isDryRun) {
      show('old_signing_key', 'would_do', `Signing key ${id}: would be deleted.`);
      continue;
    }
    // At Klarna first: the entry in the secret is the only note that the key is to be deleted.
    await klarna.deleteSigningKey(id);
    await editor.edit(signingKeysSecret, (entries) => without(entries, [id]));
    show('old_signing_key', 'done', `Signing key ${id}: deleted. The rotation is complete.`);
  }
  return state;
}
