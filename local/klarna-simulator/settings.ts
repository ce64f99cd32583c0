import * as v from 'valibot';
import { closedObject, wholeNumber } from '../shared/checked-json.ts';
import { type KeyEncoding, keyEncodings } from './authorization.ts';
import { isAddressBlock } from './address-block.ts';

/** The settings of the simulator: in the configuration at the start, under `/_simulator/settings` later. */
export interface Settings {
  /** Whether a cancel of a COMPLETED request cancels it. Klarna's pages disagree. Default: false. */
  readonly completedCanBeCanceled: boolean;
  /**
   * The status for a cancel that the request's state forbids, which Klarna does not document. 200 returns the request
   * unchanged. Default: 409.
   */
  readonly responseToRepeatedCancel: 200 | 400 | 403 | 404 | 409;
  /** Milliseconds between an event and the first attempt to deliver it. Default: 0. */
  readonly webhookDelayMs: number;
  /** Milliseconds that a subscriber has to respond. Klarna does not document its own limit. Default: 5,000. */
  readonly deliveryTimeoutMs: number;
  /**
   * By what factor the delays between attempts are shorter than Klarna's. Default: 60, so the first retry comes after
   * 167 ms.
   */
  readonly clockScale: number;
  /** By how many milliseconds Klarna's clock is ahead of the machine's, or behind it if negative. Default: 0. */
  readonly clockAheadMs: number;
  /** Milliseconds for which an expired request can still be read. Default: 5,000. */
  readonly deletionDelayMs: number;
  /** API calls of one API key in a window. Further calls get 429. Default: 60,000. */
  readonly rateLimit: number;
  /** Milliseconds of a window. Default: 60,000. */
  readonly rateWindowMs: number;
  /**
   * The field of a transaction's event that names the Payment Request, which Klarna does not document. Default:
   * `payment_request_id`.
   */
  readonly transactionNames: 'payment_request_id' | 'payment_request_reference' | 'neither';
  /** Fractional digits of a delivery's `occurred_at`. 0, as in Klarna's samples, makes ties. Default: 9. */
  readonly occurredAtDigits: number;
  /** In which encodings a call may have its API key. Default: all of them. */
  readonly keyEncodings: readonly KeyEncoding[];
  /** With which verb a Payment Request is updated: Klarna's pages show either. Default: ANY. */
  readonly updateVerb: 'ANY' | 'PUT' | 'PATCH';
  /** The status for the other verb. 403 has no body, as Klarna responds on a wrong path. Default: 405. */
  readonly responseToOtherVerb: 400 | 403 | 404 | 405;
  /** The result of an authorization without a session token. Default: STEP_UP_REQUIRED. */
  readonly authorizeResult: 'APPROVED' | 'DECLINED' | 'STEP_UP_REQUIRED';
  /**
   * What Klarna reports about the client certificate of a call. The simulator has no TLS, so null is NOT_PRESENT, reported once the
   * account has a certificate. Default: null.
   */
  readonly mtlsVerificationStatus: 'NOT_PRESENT' | 'VALID' | 'INVALID' | null;
  /** What Klarna reports about the address of a call, in any case; null: what the allowed addresses say, if they are checked. Default: null. */
  readonly ipValidationStatus: 'ALLOWED' | 'DENIED' | 'INVALID' | null;
  /** Whether the address of a call is not checked, reported, or also a reason to refuse. Default: NOT_ENABLED. */
  readonly ipRestrictions: 'NOT_ENABLED' | 'REPORTING' | 'ENFORCED';
  /** Addresses and CIDR blocks that calls may come from. Default: none. */
  readonly allowedAddresses: readonly string[];
}

export const defaultSettings: Settings = {
  completedCanBeCanceled: false,
  responseToRepeatedCancel: 409,
  webhookDelayMs: 0,
  deliveryTimeoutMs: 5_000,
  clockScale: 60,
  clockAheadMs: 0,
  deletionDelayMs: 5_000,
  rateLimit: 60_000,
  rateWindowMs: 60_000,
  transactionNames: 'payment_request_id',
  occurredAtDigits: 9,
  updateVerb: 'ANY',
  responseToOtherVerb: 405,
  keyEncodings,
  authorizeResult: 'STEP_UP_REQUIRED',
  mtlsVerificationStatus: null,
  ipValidationStatus: null,
  ipRestrictions: 'NOT_ENABLED',
  allowedAddresses: [],
};

const day = 86_400_000;

/** Every setting as optional, for a schema that takes some of them. */
export const settingsEntries = {
  completedCanBeCanceled: v.exactOptional(v.boolean()),
  responseToRepeatedCancel: v.exactOptional(v.picklist([200, 400, 403, 404, 409])),
  webhookDelayMs: v.exactOptional(wholeNumber(0, day)),
  deliveryTimeoutMs: v.exactOptional(wholeNumber(1, day)),
  clockScale: v.exactOptional(
    v.pipe(
      v.number(),
      v.check((given) => given > 0 && Number.isFinite(given), 'a number above 0'),
    ),
  ),
  clockAheadMs: v.exactOptional(wholeNumber(-365 * day, 365 * day)),
  deletionDelayMs: v.exactOptional(wholeNumber(0, day)),
  rateLimit: v.exactOptional(wholeNumber(1, 100_000_000)),
  rateWindowMs: v.exactOptional(wholeNumber(1, day)),
  transactionNames: v.exactOptional(
    v.picklist(['payment_request_id', 'payment_request_reference', 'neither']),
  ),
  occurredAtDigits: v.exactOptional(wholeNumber(0, 9)),
  keyEncodings: v.exactOptional(v.array(v.picklist(keyEncodings))),
  updateVerb: v.exactOptional(v.picklist(['ANY', 'PUT', 'PATCH'])),
  responseToOtherVerb: v.exactOptional(v.picklist([400, 403, 404, 405])),
  authorizeResult: v.exactOptional(v.picklist(['APPROVED', 'DECLINED', 'STEP_UP_REQUIRED'])),
  mtlsVerificationStatus: v.exactOptional(v.nullable(v.picklist(['NOT_PRESENT', 'VALID', 'INVALID']))),
  ipValidationStatus: v.exactOptional(v.nullable(v.picklist(['ALLOWED', 'DENIED', 'INVALID']))),
  ipRestrictions: v.exactOptional(v.picklist(['NOT_ENABLED', 'REPORTING', 'ENFORCED'])),
  allowedAddresses: v.exactOptional(
    v.pipe(
      v.array(
        v.pipe(v.string(), v.check(isAddressBlock, 'an address or a CIDR block, such as 192.0.2.0/24')),
      ),
      v.maxLength(100),
    ),
  ),
} as const;

export const settingsSchema = closedObject(settingsEntries);

/** The current settings. Each use reads them again, so a change applies from the next call on. */
export class SettingsInForce {
  readonly #onChange = new Set<() => void>();
  #current: Settings;

  constructor(settings: Settings) {
    this.#current = settings;
  }

  get current(): Settings {
    return this.#current;
  }

  /** Changes the given settings; the others stay. */
  change(settings: Partial<Settings>): void {
    this.#current = { ...this.#current, ...settings };
    for (const look of this.#onChange) look();
  }

  /** Calls `look` after every change. */
  onChange(look: () => void): void {
    this.#onChange.add(look);
  }
}
