import type { IncomingMessage } from 'node:http';
import type { PlainResponse } from '../http/front.ts';

/** The header by which the page's own script is known. No other site can send it: the browser would ask first, and be refused. */
export const pageHeader = 'x-lapse-page';

/**
 * Why a request is not served, if it is not. Whoever may call this address may call all of Lapse, and any site that somebody
 * has open in the same browser can reach it; so a name that only happens to lead here (DNS rebinding) is refused, and so is
 * every call that does not come from the page itself (forged calls from another site).
 */
export function refusalOf(
  request: Pick<IncomingMessage, 'headersDistinct'>,
  port: number,
  kind: 'page' | 'call',
): PlainResponse | undefined {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  const [host = '', ...others] = request.headersDistinct['host'] ?? [];
  if (others.length > 0 || !hosts.includes(host)) {
    return {
      status: 421,
      message: `This is not the address that was asked for; allowed: ${hosts.join(', ')}.`,
    };
  }
  if (kind === 'page') return undefined;
  const { origin, [pageHeader]: mark, 'sec-fetch-site': site } = request.headersDistinct;
  const foreign =
    mark === undefined ||
    origin?.some((each) => each !== `http://${host}`) === true ||
    site?.some((each) => each !== 'same-origin') === true;
  return foreign ? { status: 403, message: 'Only the page itself may call this way.' } : undefined;
}
