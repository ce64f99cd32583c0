import { createSign, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Identity } from '../../bench/stand-ins/certificate.ts';

/** An issuer of JWTs, as a shop's login service is one. */
export interface TokenIssuer {
  /** The issuer's URL, which is in every token. */
  readonly url: string;
  /** A token for these accounts, with this scope. */
  tokenFor(claims: { readonly accounts: readonly string[]; readonly scope: string }): string;
  stop(): Promise<void>;
}

/** The audience of every token. */
export const audience = 'lapse-outside';

const keyId = 'outside-1';

/** Starts an issuer with TLS on a free port of this machine. It serves its keys as OpenID Connect says. */
export async function startTokenIssuer(identity: Identity): Promise<TokenIssuer> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const keys = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: keyId, alg: 'RS256', use: 'sig' }] };
  const server = createServer({ key: identity.key, cert: identity.certificate }, (request, response) => {
    const documents: Readonly<Record<string, unknown>> = {
      '/.well-known/openid-configuration': { issuer: url, jwks_uri: `${url}/.well-known/jwks.json` },
      '/.well-known/jwks.json': keys,
    };
    const document = documents[request.url ?? ''];
    response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(document ?? {}));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    tokenFor({ accounts, scope }) {
      const now = Math.floor(Date.now() / 1_000);
      const claims = {
        iss: url,
        aud: audience,
        sub: 'shop-back-end',
        scope,
        lapse_accounts: accounts,
        iat: now,
        exp: now + 3_600,
      };
      const text = [{ alg: 'RS256', typ: 'JWT', kid: keyId }, claims]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.');
      return `${text}.${createSign('RSA-SHA256').update(text).sign(privateKey, 'base64url')}`;
    },
    async stop() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}
