import type { SigningKeyEntry } from '../../functions/adapters/secrets/secret-signing-keys.ts';
import type { KlarnaAccount, KlarnaSigningKey, Webhook } from '../klarna/klarna-account.ts';
import { UsageError } from '../usage-error.ts';
import { allKeys, type Binding, boundEntry, isBoundTo, isCurrent, keysOf, marked } from './binding.ts';
import type { Entries } from '../secrets/secret-diff.ts';
import type { Connection } from './connection.ts';
import { dueTime } from './retirement.ts';

type Parts = Pick<
  Connection,
  'credential' | 'editor' | 'signingKeysSecret' | 'notes' | 'isDryRun' | 'show' | 'clock'
>;

/** Milliseconds around the note within which a key was made by the command that noted it. Clocks differ by some minutes. */
const noteSpan = 3_600_000;

/**
 * Deletes the signing keys at Klarna that an earlier command made and could not store, or was to replace: it ended in between. The note
 * of that command stays until the end of this one.
 */
export async function deleteLostKeys(parts: Parts, klarna: KlarnaAccount): Promise<void> {
  const { credential, notes, isDryRun, show, editor, signingKeysSecret } = parts;
  const note = await notes.pending(credential);
  if (!note) return;
  const stored = allKeys(await editor.read(signingKeysSecret));
  const [keys, webhooks] = await Promise.all([klarna.signingKeys(), klarna.webhooks()]);
  const used = new Set(webhooks.map((webhook) => webhook.signing_key_id));
  const isLost = ({ signing_key_id: id, created_at }: KlarnaSigningKey): boolean => {
    if (stored.has(id) || used.has(id)) return false;
    if (id === note.replaced) return true;
    const age = Date.parse(created_at ?? '') - note.begunAt;
    return !note.known.includes(id) && (Number.isNaN(age) || Math.abs(age) < noteSpan);
  };
  for (const { signing_key_id: id } of keys.filter(isLost)) {
    if (!isDryRun) await klarna.deleteSigningKey(id);
    const [result, verb] = isDryRun
      ? (['would_do', 'would be deleted'] as const)
      : (['done', 'deleted'] as const);
    show('lost_signing_key', result, `Signing key ${id}: ${verb}. Its secret was never stored.`);
  }
}

/** Ends the note of a key that is settled: stored, deleted or in use. */
export async function endNote({
  credential,
  notes,
  isDryRun,
}: Pick<Connection, 'credential' | 'notes' | 'isDryRun'>): Promise<void> {
  if (!isDryRun && (await notes.pending(credential))) await notes.end(credential);
}

/** As long as an id and a key of Klarna may be. */
const longestId = `krn:partner:global:notification:signing-key:${'x'.repeat(64)}`;
const longestKey = 'x'.repeat(128);

/** How a signing key is made. */
export interface NewKey {
  /** Its entry in the secret. */
  readonly entryOf: (key: string) => SigningKeyEntry;
  /** A key that it replaces, where the secret of that is not stored. */
  readonly replaced?: string | undefined;
  /** What changes in the other entries with the same write. */
  readonly change?: (entries: Entries, id: string) => Entries;
}

/**
 * Makes a signing key at Klarna, and stores it before anything can be signed with it. The caller ends the note once the key is in use.
 */
export async function makeSigningKey(
  { credential, editor, signingKeysSecret, notes, clock }: Parts,
  klarna: KlarnaAccount,
  { entryOf, replaced, change = (entries) => entries }: NewKey,
): Promise<string> {
  // A secret that is full, or has a malformed entry, is found before a key is made that could not be stored.
  await editor.check(signingKeysSecret, (entries) => ({
    ...change(entries, longestId),
    [longestId]: entryOf(longestKey),
  }));
  const known = (await klarna.signingKeys()).map((key) => key.signing_key_id);
  await notes.begin(credential, { known, replaced, begunAt: clock.now() });
  const { signing_key_id: id, signing_key: key } = await klarna.createSigningKey();
  await editor.edit(signingKeysSecret, (entries) => ({ ...change(entries, id), [id]: entryOf(key) }));
  return id;
}

/**
 * Finds the signing key of the credential, or makes one, and binds it.
 *
 * @param webhook the subscription of this address, where there is one
 * @returns the id; `undefined` where a dry run would make one
 * @throws {UsageError} where the subscription is signed with the key of another credential
 */
export async function ensureSigningKey(
  parts: Parts,
  klarna: KlarnaAccount,
  binding: Binding,
  webhook: Webhook | undefined,
): Promise<string | undefined> {
  const { editor, signingKeysSecret, isDryRun, show } = parts;
  const entries = await editor.read(signingKeysSecret);
  const atKlarna = await klarna.signingKeys();
  const id = chooseKey(binding, { entries: allKeys(entries), atKlarna, webhook });
  if (id !== undefined) {
    const { diff } = await editor.edit(signingKeysSecret, (now) => ({
      ...now,
      [id]: boundEntry(binding, entryIn(now, id)),
    }));
    if (diff.length === 0) show('signing_key', 'unchanged', `Signing key ${id}: in use.`);
    else showDone(parts, `Signing key ${id}: ${isDryRun ? 'would be bound' : 'bound'} (${diff.join('; ')}).`);
    return id;
  }
  if (isDryRun) {
    show('signing_key', 'would_do', 'A signing key would be made at Klarna and written to signing-keys.');
    return undefined;
  }
  const made = await makeSigningKey(parts, klarna, {
    entryOf: (key) => boundEntry(binding, { key }),
    replaced: webhook?.signing_key_id,
  });
  showDone(parts, `Signing key ${made}: made at Klarna and written to signing-keys.`);
  return made;
}

const showDone = ({ show, isDryRun }: Parts, line: string): void =>
  show('signing_key', isDryRun ? 'would_do' : 'done', line);

function entryIn(entries: Entries, id: string): SigningKeyEntry {
  const entry = allKeys(entries).get(id);
  if (!entry) throw new Error(`The signing key ${id} was removed meanwhile. Run the command again.`);
  return entry;
}

interface KnownKeys {
  readonly entries: ReadonlyMap<string, SigningKeyEntry>;
  readonly atKlarna: readonly KlarnaSigningKey[];
  readonly webhook: Webhook | undefined;
}

/** The key to use: that of the subscription, or another one of the credential. Both must be in the secret and at Klarna. */
function chooseKey({ credential }: Binding, { entries, atKlarna, webhook }: KnownKeys): string | undefined {
  const used = entries.get(webhook?.signing_key_id ?? '');
  if (used?.credential !== undefined && !isBoundTo(credential, used)) {
    throw new UsageError(
      `The subscription ${webhook?.webhook_id ?? ''} of this address belongs to the credential ${used.credential}: it serves every account of its API key. ` +
        `Run \`lapse disconnect --credential ${used.credential}\` first, or give its name.`,
    );
  }
  if (used) return webhook?.signing_key_id;
  const isAtKlarna = (id: string): boolean => atKlarna.some((key) => key.signing_key_id === id);
  return [...keysOf(credential, Object.fromEntries(entries))].find(
    ([id, entry]) => isCurrent(entry) && isAtKlarna(id),
  )?.[0];
}

/**
 * Removes the signing keys that nothing uses any more. The one that the subscription had before is deleted if its secret is not stored.
 * Entries of the credential are taken out if Klarna no longer has their keys. Another key of the credential may have signed deliveries that
 * Klarna repeats, so it is only marked: a rotation deletes it when it is due.
 */
export async function removeUnusedKeys(
  parts: Parts,
  klarna: KlarnaAccount,
  current: string,
  replaced: string | undefined,
): Promise<void> {
  const { credential, editor, signingKeysSecret, isDryRun, show, clock } = parts;
  const [keys, webhooks] = await Promise.all([klarna.signingKeys(), klarna.webhooks()]);
  const isAtKlarna = (id: string): boolean => keys.some((key) => key.signing_key_id === id);
  const isUsed = (id: string): boolean => webhooks.some((webhook) => webhook.signing_key_id === id);
  const stored = allKeys(await editor.read(signingKeysSecret));
  const result = isDryRun ? 'would_do' : 'done';
  if (replaced !== undefined && !stored.has(replaced) && isAtKlarna(replaced) && !isUsed(replaced)) {
    if (!isDryRun) await klarna.deleteSigningKey(replaced);
    show('lost_signing_key', result, `Signing key ${replaced}: deleted. Its secret is not known here.`);
  }
  const successors = new Set([...stored.values()].map(({ replaced_by: by }) => by));
  const others = [...keysOf(credential, Object.fromEntries(stored))]
    .filter(([id, entry]) => id !== current && isCurrent(entry) && !successors.has(id) && !isUsed(id))
    .map(([id]) => id);
  const due = dueTime(clock.now());
  for (const id of others) {
    const isThere = isAtKlarna(id);
    await editor.edit(signingKeysSecret, (entries) =>
      isThere ? marked(entries, id, { retire_after: due }) : without(entries, [id]),
    );
    const line = isThere
      ? `Signing key ${id}: not used. \`lapse keys rotate signing\` deletes it after ${due}.`
      : `Signing key ${id}: taken out of signing-keys, because Klarna no longer has it.`;
    show('old_signing_key', result, line);
  }
}

/** The entries without these. */
export const without = (entries: Entries, names: readonly string[]): Entries =>
  Object.fromEntries(Object.entries(entries).filter(([name]) => !names.includes(name)));
