import { formatInstant } from '../../functions/domain/instant.ts';
import type { Row } from '../printer.ts';
import { allKeys, isBoundTo } from './binding.ts';
import type { OpenedCredential } from './open-connection.ts';
import { ownWebhooks } from './subscription.ts';

/** The keys of a credential, and what is wrong with them. */
export interface KeysStatus {
  readonly rows: readonly Row[];
  readonly problems: readonly string[];
}

/** Compares the keys in the secrets with those at Klarna. Nothing of a secret is in the result. */
export async function statusOfKeys({ connection, entry, klarna }: OpenedCredential): Promise<KeysStatus> {
  const { credential, editor, signingKeysSecret, arrivals, webhookUrl } = connection;
  const stored = allKeys(await editor.read(signingKeysSecret));
  const [atKlarna, webhooks, apiKeys] = await Promise.all([
    klarna.signingKeys(),
    klarna.webhooks(),
    klarna.apiKeys(),
  ]);
  const own = ownWebhooks(webhooks, webhookUrl);
  const used = new Set(own.map((webhook) => webhook.signing_key_id));
  const ids = new Set([
    ...[...stored].filter(([, key]) => isBoundTo(credential, key)).map(([id]) => id),
    ...atKlarna.map((key) => key.signing_key_id),
  ]);
  const problems: string[] = [];
  const rows: Row[] = [];
  for (const id of ids) {
    const key = stored.get(id);
    const there = atKlarna.find((each) => each.signing_key_id === id);
    const last = await arrivals.last(id);
    rows.push({
      kind: 'signing',
      id,
      state: signingState(
        { isStored: key !== undefined, isThere: there !== undefined, isUsed: used.has(id) },
        key,
      ),
      created_at: there?.created_at,
      last_used_at: last === undefined ? undefined : formatInstant(last),
      retire_after: key?.retire_after,
    });
    if (used.has(id) && !key)
      problems.push(`The webhook is signed with ${id}, which is not in signing-keys. Run \`lapse connect\`.`);
  }
  if (own.length === 0) problems.push(`Klarna has no webhook for ${webhookUrl}. Run \`lapse connect\`.`);
  for (const { credential_id: id, state = 'ACTIVE', created_at, last_used_at } of apiKeys) {
    const isOld = id === entry.old_api_key_id;
    const isUsed = id === entry.api_key_id;
    rows.push({
      kind: 'api',
      id,
      state: isUsed ? 'in use' : isOld ? 'replaced' : state.toLowerCase(),
      created_at,
      last_used_at,
      retire_after: isOld ? entry.old_api_key_retire_after : undefined,
    });
  }
  return { rows, problems };
}

function signingState(
  {
    isStored,
    isThere,
    isUsed,
  }: { readonly isStored: boolean; readonly isThere: boolean; readonly isUsed: boolean },
  key: { readonly replaced_by?: string | undefined; readonly retire_after?: string | undefined } | undefined,
): string {
  if (!isThere) return 'not at Klarna';
  if (isUsed)
    return isStored
      ? key?.replaced_by === undefined
        ? 'in use'
        : 'in use, to be replaced'
      : 'in use, not in the secret';
  if (!isStored) return 'of another system';
  return key?.retire_after === undefined ? 'not in use yet' : 'replaced';
}
