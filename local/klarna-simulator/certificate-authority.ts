// @peculiar/x509 needs Reflect metadata, and refuses to load without it.
import 'reflect-metadata';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  Pkcs10CertificateRequest,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** What signs client certificates: a key and its own certificate, both in PEM. */
export interface Authority {
  readonly key: string;
  readonly certificate: string;
}

/** Of the certificate to issue. Times are in milliseconds since 1970. */
export interface Validity {
  /** The common name where the request has none. */
  readonly commonName: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

const twentyYears = 20 * 365 * 86_400_000;

/** @param now milliseconds since 1970 */
export async function createAuthority(now: number): Promise<Authority> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=Klarna simulator',
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(now),
    notAfter: new Date(now + twentyYears),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    ],
  });
  const key = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { key: PemConverter.encode(key, 'PRIVATE KEY'), certificate: certificate.toString('pem') };
}

/**
 * The certificate for a request, in PEM. `undefined` where the request is not one in PEM, or is not signed with its own key. Klarna asks
 * for a key on the curve prime256v1, so it is `undefined` for any other, too.
 */
export async function signRequest(
  authority: Authority,
  request: string,
  { commonName, notBefore, notAfter }: Validity,
): Promise<string | undefined> {
  const parsed = await parseRequest(request);
  if (!parsed) return undefined;
  const issuer = new X509Certificate(authority.certificate);
  const signingKey = await crypto.subtle.importKey(
    'pkcs8',
    PemConverter.decodeFirst(authority.key),
    algorithm,
    false,
    ['sign'],
  );
  const [given] = parsed.subjectName.getField('CN');
  const certificate = await X509CertificateGenerator.create({
    subject: [{ CN: [given !== undefined && given !== '' ? given : commonName] }],
    issuer: issuer.subject,
    publicKey: parsed.publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    notBefore: new Date(notBefore),
    notAfter: new Date(notAfter),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
    ],
  });
  return certificate.toString('pem');
}

async function parseRequest(text: string): Promise<Pkcs10CertificateRequest | undefined> {
  if (!/^\s*-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----/.test(text)) return undefined;
  try {
    const request = new Pkcs10CertificateRequest(text);
    const { name, namedCurve } = request.publicKey.algorithm as { name: string; namedCurve?: string };
    const isOnCurve = name === 'ECDSA' && namedCurve === 'P-256';
    return isOnCurve && (await request.verify()) ? request : undefined;
  } catch {
    return undefined;
  }
}
