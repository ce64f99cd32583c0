import type { Configuration } from './configuration.ts';

/** The caller of the API. */
export interface Caller {
  /** The partner account that the key is bound to; undefined where it may act for any. */
  readonly partnerAccountId?: string;
}

const basic = /^Basic +([!-~]+)$/i;

/**
 * Identifies the caller by the header `Authorization`; `undefined` for unknown credentials. Accepts the three encodings
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
