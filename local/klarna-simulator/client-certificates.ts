import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { type Instant, instantFromMillis, millisOf } from '../../functions/domain/instant.ts';
import { Collection } from '../shared/collection.ts';
import { type Caller, isManagedBy, type Managed, managedFor } from './caller.ts';
import type { Authority } from './certificate-authority.ts';
import type { Clock } from './clock.ts';

/** A client certificate that the simulator issued. */
export interface ClientCertificate extends Managed {
  readonly credential_id: string;
  readonly description?: string;
  readonly usage: CertificateUsage;
  readonly created_at: Instant;
  readonly expires_at: Instant;
  /** In PEM. */
  readonly certificate: string;
}

export const certificateUsages = ['MTLS', 'JWT_SIGNING'] as const;

export type CertificateUsage = (typeof certificateUsages)[number];

/** What a certificate is requested with. */
export interface CertificateRequest {
  /** In PEM. */
  readonly signingRequest: string;
  readonly usage: CertificateUsage;
  readonly description: string | undefined;
}

/** How long a certificate is valid. Klarna does not document it. */
const validMillis = 2 * 365 * 86_400_000;

/** The client certificates of the accounts. */
export class ClientCertificates {
  readonly #clock: Clock;
  readonly #certificates: Collection<ClientCertificate>;
  readonly #authorities: Collection<Authority>;

  constructor(database: DatabaseSync, clock: Clock) {
    this.#clock = clock;
    this.#certificates = new Collection(database, 'client_certificates');
    this.#authorities = new Collection(database, 'certificate_authorities');
  }

  /** Those of the caller's account. */
  ofAccount(caller: Caller): readonly ClientCertificate[] {
    return this.#certificates.all().filter((each) => isManagedBy(each, caller));
  }

  /** Whether it is past its end. */
  isExpired({ expires_at }: ClientCertificate): boolean {
    return expires_at <= this.#clock();
  }

  /** Signs the request. Returns the violation where it is not one, or not one that Klarna takes. */
  async issue(
    caller: Caller,
    { signingRequest, usage, description }: CertificateRequest,
  ): Promise<ClientCertificate | { readonly violation: string }> {
    // Loaded for the first certificate only: the library takes a part of a second.
    const { createAuthority, signRequest } = await import('./certificate-authority.ts');
    const created_at = this.#clock();
    const notBefore = millisOf(created_at);
    let authority = this.#authorities.get('simulator');
    if (!authority) {
      authority = await createAuthority(notBefore);
      this.#authorities.put('simulator', authority);
    }
    const commonName = `${caller.partnerAccountId?.split(':').at(-1) ?? 'M48JWZF8'}-${randomUUID().slice(0, 8)}`;
    const until = notBefore + validMillis;
    const signed = await signRequest(authority, signingRequest, { commonName, notBefore, notAfter: until });
    if (signed === undefined) {
      return { violation: 'It must be a signed request in PEM, with a key on the curve prime256v1.' };
    }
    const issued: ClientCertificate = {
      credential_id: `krn:partner:global:account:credential:client-certificate:${randomUUID()}`,
      usage,
      created_at,
      expires_at: instantFromMillis(until),
      certificate: signed,
      ...managedFor(caller),
      ...(description !== undefined && { description }),
    };
    this.#certificates.put(issued.credential_id, issued);
    return issued;
  }
}
