/** What Klarna's own expiry is made of. */
export interface KlarnaExpiryInput {
  /** When the session ends, as you register it at Lapse. */
  readonly deadline: Date;
  /**
   * Seconds that a customer who is paying may get at the deadline: `in_progress_grace` of the session or the account.
   *
   * @default 0
   */
  readonly graceSeconds?: number;
  /** The time of your call to Klarna. @default now */
  readonly now?: Date;
}

/** The expiry in the words of both APIs. */
export interface KlarnaExpiry {
  /** For Klarna's call that creates the Payment Request. */
  readonly customer_interaction_config: { readonly interaction_expiry: { readonly timestamp: string } };
  /** For the registration at Lapse. */
  readonly klarna_expires_at: string;
}

const minute = 60_000;

/** Klarna takes 15 minutes to 48 hours from the moment that its server counts from. A minute is for the call and the clocks. */
const nearest = 16 * minute;
const latest = 48 * 60 * minute - minute;

/**
 * Klarna's own expiry for a session, to set when you create the Payment Request: the deadline with its grace. So Klarna ends the
 * request even where Lapse cannot. Klarna takes no time within 15 minutes or after 48 hours, and then this is the closest that it
 * takes. Lapse still ends the session at its deadline.
 *
 * @throws {TypeError} where the input is not a time
 */
export function klarnaExpiry({
  deadline,
  graceSeconds = 0,
  now = new Date(),
}: KlarnaExpiryInput): KlarnaExpiry {
  for (const [name, given] of Object.entries({ deadline, now })) {
    if (!(given instanceof Date) || !Number.isFinite(given.getTime()))
      throw new TypeError(`${name} is not a time; allowed: a valid Date.`);
  }
  if (!Number.isFinite(graceSeconds) || graceSeconds < 0)
    throw new TypeError(`graceSeconds is ${graceSeconds}; allowed: a number of seconds, 0 or more.`);
  const wanted = deadline.getTime() + graceSeconds * 1_000 - now.getTime();
  const away = Math.min(latest, Math.max(nearest, wanted));
  // Whole seconds, rounded up: an expiry before the deadline would end the session early.
  const timestamp = new Date(Math.ceil((now.getTime() + away) / 1_000) * 1_000)
    .toISOString()
    .replace('.000Z', 'Z');
  return {
    customer_interaction_config: { interaction_expiry: { timestamp } },
    klarna_expires_at: timestamp,
  };
}
