import type { Configuration } from './configuration.ts';

/** Who calls. */
export interface Caller {
  /** The one partner account that the key speaks for; none, if it may speak for any. */
  readonly partnerAccountId?: string;
}

const basic = /^Basic +([!-~]+)$/i;

/**
 * Who the header `Authorization` says is calling; `undefined` if it says nothing that is known. Takes the three encodings
 * that are in use: the API key as it is, base64 of `:<key>`, and base64 of `<username>:<key>`.
 */
export function callerOf(header: string | undefined, apiKeys: Configuration['apiKeys']): Caller | undefined {
  const credentials = basic.exec(header ?? '')?.[1];
  if (credentials === undefined) return undefined;
  if (!apiKeys) return {};
  for (const { username, key } of readings(credentials)) {
    const known = Object.hasOwn(apiKeys, key) ? apiKeys[key] : undefined;
    if (!known || (username !== '' && known.username !== undefined && known.username !== username)) continue;
    return known.partner_account_id === undefined ? {} : { partnerAccountId: known.partner_account_id };
  }
  return undefined;
}

function readings(credentials: string): readonly { readonly username: string; readonly key: string }[] {
  const decoded = Buffer.from(credentials, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  return [
    { username: '', key: credentials },
    ...(colon < 0 ? [] : [{ username: decoded.slice(0, colon), key: decoded.slice(colon + 1) }]),
  ];
}
