import { formatInstant, instantFromMillis } from '../../functions/domain/instant.ts';

/**
 * Milliseconds for which an old key stays valid after the new one is in use. Klarna repeats a delivery for 21 h 20 min at most. A function
 * may use a secret that it cannot read again for 24 hours at most (`secretStaleMinutes`).
 */
export const retirement = 24 * 3_600_000;

/** When a key that is replaced now is due, in RFC 3339. @param now milliseconds since 1970 */
export const dueTime = (now: number): string => formatInstant(instantFromMillis(now + retirement));

/** How far a rotation is. `waiting`: the old key is not due yet. */
export type RotationState = 'waiting' | 'done';
