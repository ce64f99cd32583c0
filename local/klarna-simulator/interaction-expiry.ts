import { parseDuration } from '../../functions/domain/duration.ts';
import { type Instant, millisOf, parseInstant, plusMillis } from '../../functions/domain/instant.ts';
import { isJsonObject } from '../shared/json-object.ts';
import { invalid, type Refusal } from './simulator-response.ts';

const minute = 60_000;
const least = 15 * minute;
const most = 48 * 60 * minute;

/**
 * The expiry that a body asks for; `undefined` where it has none. A refusal where it is not between 15 minutes and 48
 * hours from now (https://docs.klarna.com/acquirer/klarna-direct/, "Custom Payment Request expiry").
 *
 * @param prefix what the names of parameters start with, where the body is a part of the whole
 */
export function readInteractionExpiry(
  body: Readonly<Record<string, unknown>>,
  now: Instant,
  prefix = '',
): Instant | Refusal | undefined {
  const configParameter = `${prefix}customer_interaction_config`;
  const parameter = `${configParameter}.interaction_expiry`;
  const config = body['customer_interaction_config'];
  if (config === undefined) return undefined;
  if (!isJsonObject(config)) return invalid(configParameter, 'It must be an object.');
  const expiry = config['interaction_expiry'];
  if (expiry === undefined) return undefined;
  const expiresAt = isJsonObject(expiry) ? expiryOf(expiry, now) : undefined;
  if (!expiresAt) {
    return invalid(parameter, 'It must be an object with either a duration or a timestamp, in ISO 8601.');
  }
  const lifetime = millisOf(expiresAt) - millisOf(now);
  return lifetime < least || lifetime > most
    ? invalid(parameter, 'It must be between 15 minutes and 48 hours from now.')
    : expiresAt;
}

function expiryOf({ duration, timestamp }: Readonly<Record<string, unknown>>, now: Instant) {
  if (typeof duration === 'string' && timestamp === undefined) {
    const millis = parseDuration(duration);
    return millis === undefined ? undefined : plusMillis(now, millis);
  }
  return typeof timestamp === 'string' && duration === undefined ? parseInstant(timestamp) : undefined;
}
