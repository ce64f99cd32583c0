const basic = /^Basic +([!-~]+)$/i;

/** The encodings that are in use: the API key as it is, base64 of `:<key>`, and base64 of `<username>:<key>`. */
export const keyEncodings = ['key', 'colon-key', 'username-key'] as const;

export type KeyEncoding = (typeof keyEncodings)[number];

/** An API key as a caller sent it, with the user name that came with it, if any. */
export interface SentKey {
  readonly username: string;
  readonly key: string;
  readonly encoding: KeyEncoding;
}

/** The readings of the header `Authorization`, in order; none where it has another form. */
export function keysIn(header: string | undefined): readonly SentKey[] {
  const credentials = basic.exec(header ?? '')?.[1];
  if (credentials === undefined) return [];
  const asItIs: SentKey = { username: '', key: credentials, encoding: 'key' };
  const decoded = Buffer.from(credentials, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon < 0) return [asItIs];
  const encoding = colon === 0 ? 'colon-key' : 'username-key';
  return [asItIs, { username: decoded.slice(0, colon), key: decoded.slice(colon + 1), encoding }];
}
