import type { IncomingMessage } from 'node:http';

/** A refusal, with a sentence for the reader. */
interface Refusal {
  readonly status: number;
  readonly message: string;
}

/** The header that marks the page's own calls. Another site cannot send it: the browser asks first, and is refused. */
const pageHeader = 'x-lapse-page';

/**
 * Why a request is refused, or `undefined` where it is served.
 *
 * A caller of this address can call all of Lapse, and any site that is open in the same browser can reach it. So a
 * foreign host name that leads here (DNS rebinding) is refused. So is every call that does not come from the page
 * itself (forged calls from another site).
 */
export function refusalOf(
  request: Pick<IncomingMessage, 'headersDistinct'>,
  port: number,
  kind: 'page' | 'call',
): Refusal | undefined {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  const [host = '', ...others] = request.headersDistinct['host'] ?? [];
  if (others.length > 0 || !hosts.includes(host)) {
    return {
      status: 421,
      message: `This address does not serve the host in the request; allowed: ${hosts.join(', ')}.`,
    };
  }
  if (kind === 'page') return undefined;
  const { origin, [pageHeader]: mark, 'sec-fetch-site': site } = request.headersDistinct;
  const foreign =
    mark === undefined ||
    origin?.some((each) => each !== `http://${host}`) === true ||
    site?.some((each) => each !== 'same-origin') === true;
  return foreign ? { status: 403, message: 'Only the page itself may make this call.' } : undefined;
}
