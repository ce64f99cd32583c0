import type { DatabaseSync } from 'node:sqlite';
import { type Instant, parseInstant } from '../../functions/domain/instant.ts';
import { Collection } from '../shared/collection.ts';
import { isInBlocks } from './address-block.ts';
import type { Caller } from './caller.ts';
import type { ClientCertificates } from './client-certificates.ts';
import type { Clock } from './clock.ts';
import type { SettingsInForce } from './settings.ts';

interface Enforcement {
  readonly enforced_from: Instant;
}

export interface AccountSecurityParts {
  readonly database: DatabaseSync;
  readonly clock: Clock;
  readonly settings: SettingsInForce;
  readonly certificates: ClientCertificates;
}

/** What Klarna makes of the certificate and the address of a call. */
export interface SecurityCheck {
  /** The headers that report it. There is none for what is enforced. */
  readonly headers: Readonly<Record<string, string>>;
  readonly isRefused: boolean;
}

/** Three months, the longest notice of an enforcement. */
const longestNotice = 92 * 86_400_000;

/** Client certificates and allowed addresses: whether Klarna reports them only, or refuses calls for them. */
export class AccountSecurity {
  readonly #parts: AccountSecurityParts;
  readonly #enforcements: Collection<Enforcement>;

  constructor(parts: AccountSecurityParts) {
    this.#parts = parts;
    this.#enforcements = new Collection(parts.database, 'mutual_tls');
  }

  /** When client certificates are required of the caller's account, if ever. */
  enforcementFor(caller: Caller): Enforcement | undefined {
    return this.#enforcements.get(accountKey(caller));
  }

  /** Requires client certificates from a time on. Returns the violation where the time is not allowed. */
  enforce(caller: Caller, from: unknown): Enforcement | { readonly violation: string } {
    const now = this.#parts.clock();
    const time = from === 'NOW' ? now : typeof from === 'string' ? parseInstant(from) : undefined;
    const notice = time === undefined ? undefined : Date.parse(time) - Date.parse(now);
    if (time === undefined || notice === undefined || notice < 0 || notice > longestNotice) {
      return { violation: 'It must be NOW, or a time in the next three months.' };
    }
    const enforcement = { enforced_from: time };
    this.#enforcements.put(accountKey(caller), enforcement);
    return enforcement;
  }

  /** Requires client certificates no longer. */
  release(caller: Caller): void {
    this.#enforcements.delete(accountKey(caller));
  }

  /** @param address where the call comes from */
  check(caller: Caller, address: string): SecurityCheck {
    const { clock, settings, certificates } = this.#parts;
    const { mtlsVerificationStatus, ipRestrictions, ipValidationStatus, allowedAddresses } = settings.current;
    const certificate = mtlsVerificationStatus ?? 'NOT_PRESENT';
    const isReported = mtlsVerificationStatus !== null || certificates.ofAccount(caller).length > 0;
    const { enforced_from: from } = this.enforcementFor(caller) ?? {};
    const isEnforced = from !== undefined && from <= clock();
    const origin = ipValidationStatus ?? (isInBlocks(address, allowedAddresses) ? 'ALLOWED' : 'DENIED');
    const isOriginReported =
      ipRestrictions === 'REPORTING' || (ipRestrictions === 'NOT_ENABLED' && ipValidationStatus !== null);
    return {
      headers: {
        ...(isReported && !isEnforced && { 'klarna-mtls-verification-status': certificate }),
        ...(isOriginReported && { 'klarna-ip-validation-status': origin }),
      },
      isRefused:
        (isEnforced && certificate !== 'VALID') || (ipRestrictions === 'ENFORCED' && origin !== 'ALLOWED'),
    };
  }
}

const accountKey = ({ environment, partnerAccountId = '' }: Caller): string =>
  `${environment} ${partnerAccountId}`;
