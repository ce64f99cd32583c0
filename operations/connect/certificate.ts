import { X509Certificate } from 'node:crypto';
import {
  checkCredential,
  type CredentialEntry,
} from '../../functions/adapters/secrets/secret-credentials.ts';
import type { AccessReport } from '../klarna/klarna-account.ts';
import { UsageError } from '../usage-error.ts';
import { accessOf, type Connection } from './connection.ts';

/** A client certificate that is about to be asked for: its key stays in memory. */
export interface SigningRequest {
  /** In PEM, to be sent. */
  readonly request: string;
  /** In PEM: the private key, a secret. */
  readonly key: string;
}

/**
 * Makes a key on the curve prime256v1 and a signed request for a certificate, both in memory
 * (https://docs.klarna.com, Configure mTLS).
 */
export async function makeSigningRequest(commonName: string): Promise<SigningRequest> {
  // The library needs Reflect metadata, and refuses to load without it. Both are loaded for this command only.
  await import('reflect-metadata');
  const { Pkcs10CertificateRequestGenerator, PemConverter } = await import('@peculiar/x509');
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [commonName] }],
    keys,
    signingAlgorithm: algorithm,
  });
  const key = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { request: request.toString('pem'), key: PemConverter.encode(key, 'PRIVATE KEY') };
}

/** A certificate with more days left than this is not replaced without a question. */
const soonDays = 30;

const day = 86_400_000;

/** What a certificate says. */
export interface CertificateFacts {
  readonly subject: string;
  readonly expiresAt: string;
  readonly daysLeft: number;
}

/** Reads the first certificate of a text in PEM. @param now milliseconds since 1970 */
export function factsOf(pem: string, now: number): CertificateFacts {
  const { subject, validTo } = new X509Certificate(pem);
  // Its own date of this text needs Node 22.
  const end = Date.parse(validTo);
  return {
    subject: subject.replaceAll('\n', ', '),
    expiresAt: new Date(end).toISOString().replace('.000Z', 'Z'),
    daysLeft: Math.floor((end - now) / day),
  };
}

/**
 * Asks Klarna for a client certificate and writes it into the secret of the credential, with its key. A run that ends in between has made
 * a certificate whose key exists nowhere. It is of no use to anyone, and ends by itself.
 */
export async function newCertificate(
  connection: Connection,
  entry: CredentialEntry,
  confirm: (question: string) => Promise<boolean>,
): Promise<void> {
  const { credential, editor, credentialSecret, isDryRun, clock, show } = connection;
  const known =
    entry.client_certificate === undefined ? undefined : factsOf(entry.client_certificate, clock.now());
  if (isDryRun) {
    show(
      'certificate',
      'would_do',
      `A client certificate would be made and written to the secret of ${credential}.`,
    );
    return;
  }
  if (known && known.daysLeft > soonDays) {
    const question = `The certificate of ${credential} is valid until ${known.expiresAt}. Replace it?`;
    if (!(await confirm(question))) throw new UsageError('Nothing was changed.');
  }
  const account = entry.acquirer_account_id?.split(':').at(-1) ?? credential.toUpperCase();
  const { request, key } = await makeSigningRequest(account);
  const klarna = connection.klarnaWith(entry.environment, accessOf(entry));
  const made = await klarna.createCertificate(request, connection.keyDescription);
  const { certificate } = made;
  if (certificate === undefined || !/^\s*-----BEGIN CERTIFICATE-----/.test(certificate))
    throw new Error(
      `Klarna made the certificate ${made.credential_id}, and its response has no certificate in PEM.`,
    );
  const access = { clientCertificate: certificate, clientKey: key };
  await editor.edit(credentialSecret, (entries) => ({
    ...entries,
    client_certificate: certificate,
    client_key: key,
  }));
  const { expiresAt } = factsOf(certificate, clock.now());
  show(
    'certificate',
    'done',
    `Certificate ${made.credential_id}: made, and written with its key. Valid until ${expiresAt}.`,
  );
  const report = await klarna.with(access).check();
  show('certificate_status', 'done', `Klarna reports the certificate as ${report.certificate ?? 'nothing'}.`);
  if (report.certificate === 'VALID')
    show('next', 'waiting', `Next: lapse certificate enforce --credential ${credential}`);
}

/** The certificate of a credential, here and at Klarna. */
export interface CertificateReport {
  readonly stored: CertificateFacts | undefined;
  readonly report: AccessReport;
  readonly enforcedFrom: string | undefined;
}

/** Reads the state of client certificates. */
export async function certificateReport(
  { klarnaWith, clock }: Pick<Connection, 'klarnaWith' | 'clock'>,
  entry: CredentialEntry,
): Promise<CertificateReport> {
  const klarna = klarnaWith(entry.environment, accessOf(entry));
  const { client_certificate: pem } = entry;
  return {
    stored: pem === undefined ? undefined : factsOf(pem, clock.now()),
    report: await klarna.check(),
    enforcedFrom: await klarna.enforcedFrom(),
  };
}

/**
 * Requires a client certificate of the account at Klarna. Refused unless Klarna reports the stored one as VALID: without that, every call
 * of the account would fail.
 */
export async function enforceCertificate(
  connection: Connection,
  entry: CredentialEntry,
  { from, confirm }: { readonly from: string; readonly confirm: (question: string) => Promise<boolean> },
): Promise<void> {
  const { credential, isDryRun, show } = connection;
  const stored =
    checkCredential(credential, await connection.editor.read(connection.credentialSecret)) ?? entry;
  const klarna = connection.klarnaWith(stored.environment, accessOf(stored));
  const { certificate } = await klarna.check();
  if (certificate !== 'VALID')
    throw new UsageError(
      `Klarna reports the certificate of ${credential} as ${certificate ?? 'nothing'}; allowed: VALID. Run \`lapse certificate new\` first.`,
    );
  if (isDryRun) {
    show('enforcement', 'would_do', `Client certificates would be required from ${from}.`);
    return;
  }
  const question = `Calls of this account without a certificate then fail at Klarna from ${from}, also those of other systems. Go on?`;
  if (!(await confirm(question))) throw new UsageError('Nothing was changed.');
  await klarna.enforceCertificates(from);
  show(
    'enforcement',
    'done',
    `Client certificates are required from ${(await klarna.enforcedFrom()) ?? from}.`,
  );
}
