import type { Clock, WebhookArrivals } from '../../functions/application/ports.ts';
import { formatInstant } from '../../functions/domain/instant.ts';
import type { KlarnaAccount, Webhook } from '../klarna/klarna-account.ts';
import { isInvalid } from './probe-access.ts';

/**
 * The types of a test delivery, the best first. One about a transaction changes no record. Klarna may not offer it. The other one leaves a
 * record that is final from the start, which nothing is done with until retention deletes it.
 */
const testTypes = [
  'payment.transaction.state-change.authorized',
  'payment.request.state-change.expired',
] as const;

/** Milliseconds after which one more is fired: a process notes one arrival in ten seconds. */
const secondShot = 12_000;

/** Milliseconds that a delivery may take: Klarna repeats a failed one after 10 seconds and after 2 minutes. */
const longestWait = 90_000;

const pollInterval = 1_000;

/** What firing and waiting needs. */
export interface DeliveryWatch {
  readonly klarna: Pick<KlarnaAccount, 'simulate'>;
  readonly arrivals: Pick<WebhookArrivals, 'last'>;
  readonly clock: Pick<Clock, 'now' | 'wait'>;
}

/**
 * Lets Klarna send a test delivery and waits until one arrives that is signed with the webhook's key.
 *
 * @returns when it arrived, in RFC 3339; `undefined` where none arrived in time
 */
export async function fireAndWait(
  { klarna, arrivals, clock }: DeliveryWatch,
  { webhook_id: id, signing_key_id: key }: Pick<Webhook, 'webhook_id' | 'signing_key_id'>,
): Promise<string | undefined> {
  const before = await arrivals.last(key);
  const begin = clock.now();
  await fire(klarna, id);
  let isFiredAgain = false;
  while (clock.now() - begin < longestWait) {
    await clock.wait(pollInterval);
    const last = await arrivals.last(key);
    if (last !== undefined && last !== before) return formatInstant(last);
    if (isFiredAgain || clock.now() - begin < secondShot) continue;
    isFiredAgain = true;
    await fire(klarna, id);
  }
  return undefined;
}

async function fire(klarna: Pick<KlarnaAccount, 'simulate'>, id: string): Promise<void> {
  const [first, other] = testTypes;
  try {
    await klarna.simulate(id, first);
  } catch (error) {
    if (!isInvalid(error)) throw error;
    await klarna.simulate(id, other);
  }
}

/** What to check where no delivery arrives. */
export const noDelivery =
  "Klarna's test delivery did not arrive within 90 seconds. Search the log of the webhook function for webhook.refused. " +
  'Klarna reaches ports 443 and 8443 only.';
