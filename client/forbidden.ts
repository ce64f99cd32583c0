import type { Authorization } from './options.ts';

/**
 * What a call lacks that API Gateway itself refused: which call, and which permission. Its own words are short, such as `Forbidden`.
 */
export function explainRefusal(
  { method, path }: { readonly method: string; readonly path: string },
  { status, detail }: { readonly status: number; readonly detail: string },
  { url, authorization }: { readonly url: string; readonly authorization: Authorization },
): string {
  return `API Gateway refused ${method} ${path} with ${status} (${detail}). ${remedy(method, path, url, authorization)}`;
}

function remedy(method: string, path: string, url: string, authorization: Authorization): string {
  if (authorization === 'none')
    return "The API asks who calls: set authorization to something other than 'none'.";
  if ('token' in authorization)
    return 'The token must have the issuer and an audience of the API, one of its scopes if it has any, and not be expired.';
  const [, id = '<api id>'] = /^https:\/\/([a-z0-9]+)\.execute-api\./.exec(url) ?? [];
  const arn = `arn:aws:execute-api:${authorization.region}:<AWS account>:${id}/$default/${method}${decodeURIComponent(path)}`;
  return `The caller needs the permission execute-api:Invoke on ${arn}. Check also the region, the credentials and the clock.`;
}
