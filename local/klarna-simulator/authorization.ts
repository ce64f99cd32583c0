const basic = /^Basic +([!-~]+)$/i;

/** An API key as a caller sent it, with the user name that came with it, if any. */
export interface SentKey {
  readonly username: string;
  readonly key: string;
}

/**
 * The readings of the header `Authorization`, in order; none where it has another form. Three encodings are in use: the API key as it
 * is, base64 of `:<key>`, and base64 of `<username>:<key>`.
 */
export function keysIn(header: string | undefined): readonly SentKey[] {
  const credentials = basic.exec(header ?? '')?.[1];
  if (credentials === undefined) return [];
  const decoded = Buffer.from(credentials, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  return [
    { username: '', key: credentials },
    ...(colon < 0 ? [] : [{ username: decoded.slice(0, colon), key: decoded.slice(colon + 1) }]),
  ];
}
