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

/** A part of a body for Klarna: when Klarna itself ends the Payment Request. */
export interface CustomerInteractionConfig {
  readonly interaction_expiry: { readonly timestamp: string };
}

/** Klarna's own expiry for a Payment Request that you create, and the same times for Lapse. */
export interface KlarnaExpiry {
  /** A part of the body of `createPaymentRequest`. */
  readonly customer_interaction_config: CustomerInteractionConfig;
  /** A part of the body of `authorizePayment`, which makes a Payment Request where it responds with STEP_UP_REQUIRED. */
  readonly step_up_config: { readonly customer_interaction_config: CustomerInteractionConfig };
  /** The same time, for the registration at Lapse. */
  readonly klarna_expires_at: string;
  /**
   * The deadline for the registration at Lapse, as a moment: a `session_timeout` would count from the registration, and pass Klarna's
   * expiry. Where Klarna takes no expiry as late as your deadline, it is Klarna's expiry.
   */
  readonly deadline_at: string;
  /**
   * - `at_deadline`: Klarna ends the request at the deadline and its grace, also while Lapse is down.
   * - `after_deadline`: Klarna takes no expiry that early. The timer of Lapse ends the request at the deadline. Klarna ends it later if
   *   Lapse is down then.
   * - `before_deadline`: Klarna takes no expiry that late, and ends the request before the deadline and its grace.
   */
  readonly falls: 'at_deadline' | 'after_deadline' | 'before_deadline';
  /** The same as one sentence with the times, for a log. */
  readonly explanation: string;
}

const minute = 60_000;
/** Klarna takes 15 minutes to 48 hours from when it gets the call. A minute is for the call and for clocks that differ. */
const nearest = 16 * minute;
const latest = 48 * 60 * minute - minute;

/**
 * The expiry to set when you create a Payment Request at Klarna, and what to tell Lapse. So the request ends even if Lapse is down.
 * Call it just before you call Klarna.
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
  const timestamp = textOf(expires);
  const deadline = textOf(Math.min(ends, expires));
  const config = { interaction_expiry: { timestamp } };
  const falls = expires > wanted ? 'after_deadline' : expires < wanted ? 'before_deadline' : 'at_deadline';
  return {
    customer_interaction_config: config,
    step_up_config: { customer_interaction_config: config },
    klarna_expires_at: timestamp,
    deadline_at: deadline,
    falls,
    explanation: explanations[falls](deadline, timestamp),
  };
}

const textOf = (millis: number): string => new Date(millis).toISOString();

const explanations = {
  at_deadline: (deadline, expiry) =>
    `The timer of Lapse ends the session at ${deadline}. Klarna ends the request at ${expiry}, also while Lapse is down.`,
  after_deadline: (deadline, expiry) =>
    `The timer of Lapse ends the session at ${deadline}, which is too near for Klarna. Klarna ends the request at ${expiry} if Lapse is down then.`,
  before_deadline: (deadline, expiry) =>
    `Klarna takes no later expiry than ${expiry} and ends the request then. The deadline for Lapse is ${deadline}.`,
} as const satisfies Record<KlarnaExpiry['falls'], (deadline: string, expiry: string) => string>;

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
