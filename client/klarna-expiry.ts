/** When the session ends: `deadline` is a time in RFC 3339, `timeout` an ISO 8601 duration from now such as `PT20M`. */
export type SessionEnd =
  | { readonly deadline: string; readonly timeout?: never }
  | { readonly timeout: string; readonly deadline?: never };

/** What {@link klarnaExpiry} needs to know. */
export type KlarnaExpiryOptions = SessionEnd & {
  /**
   * How long a customer who is paying at the deadline may go on: the `in_progress_grace` of the registration, as an ISO 8601 duration.
   *
   * @default none
   */
  readonly grace?: string;
  /**
   * The time in milliseconds since 1970. Replace it in a test.
   *
   * @default Date.now
   */
  readonly now?: () => number;
};

/** Klarna's own expiry for a Payment Request that you create. */
export interface KlarnaExpiry {
  /**
   * A part of the body for Klarna: of `createPaymentRequest` as it is, or of `authorizePayment` within `step_up_config`.
   */
  readonly customer_interaction_config: { readonly interaction_expiry: { readonly timestamp: string } };
  /** The same time, for the registration at Lapse. */
  readonly klarna_expires_at: string;
  /**
   * - `at_deadline`: Klarna ends the request at the deadline and its grace, also while Lapse is down.
   * - `after_deadline`: Klarna takes no expiry that early. Lapse ends the request at the deadline.
   * - `before_deadline`: Klarna takes no expiry that late, and ends the request before the deadline.
   */
  readonly falls: 'at_deadline' | 'after_deadline' | 'before_deadline';
}

const minute = 60_000;
/** Klarna takes 15 minutes to 48 hours from when it gets the call. A minute is for the call and for clocks that differ. */
const nearest = 16 * minute;
const latest = 48 * 60 * minute - minute;

/**
 * The expiry to set when you create a Payment Request at Klarna, and what to tell Lapse. So the request ends even if Lapse is down.
 *
 * @throws {RangeError} for a time or a duration that cannot be read, and for an end that has passed
 */
export function klarnaExpiry(options: KlarnaExpiryOptions): KlarnaExpiry {
  const now = (options.now ?? Date.now)();
  const ends =
    options.deadline === undefined
      ? now + millisOf('timeout', options.timeout)
      : timeOf('deadline', options.deadline);
  if (ends <= now) {
    throw new RangeError(
      `deadline is ${JSON.stringify(options.deadline)}, which has passed; allowed: a later time.`,
    );
  }
  const wanted = ends + (options.grace === undefined ? 0 : millisOf('grace', options.grace));
  const expires = Math.min(Math.max(wanted, now + nearest), now + latest);
  const timestamp = new Date(expires).toISOString();
  return {
    customer_interaction_config: { interaction_expiry: { timestamp } },
    klarna_expires_at: timestamp,
    falls: expires > wanted ? 'after_deadline' : expires < wanted ? 'before_deadline' : 'at_deadline',
  };
}

const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/;

function timeOf(field: string, text: string): number {
  const millis = rfc3339.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(millis)) {
    throw new RangeError(
      `${field} is ${JSON.stringify(text)}; allowed: a time in RFC 3339, such as 2026-03-01T12:00:00Z.`,
    );
  }
  return millis;
}

const iso8601 = /^P(?!$)(?:(\d{1,4})D)?(?:T(?!$)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9})S)?)?$/;

function millisOf(field: string, text: string): number {
  const [, days = 0, hours = 0, minutes = 0, seconds = 0] = iso8601.exec(text) ?? [];
  const millis =
    (((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000;
  if (millis > 0) return millis;
  throw new RangeError(
    `${field} is ${JSON.stringify(text)}; allowed: a positive ISO 8601 duration in days, hours, minutes and seconds, such as PT20M.`,
  );
}
