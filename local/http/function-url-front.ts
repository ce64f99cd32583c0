import type { Invoke } from '../lambda/invoke.ts';
import { startFront } from './front.ts';
import { eventBody, httpEvent } from './http-event.ts';
import type { Listening } from './start-listening.ts';

/** A Lambda URL accepts 6 MB. */
const bodyLimit = 6 * 1024 * 1024;

/**
 * Serves a Lambda URL, as the function behind it sees one: every method and path reaches it, with the bytes unchanged.
 */
export function startFunctionUrlFront(options: {
  readonly port: number;
  readonly invoke: Invoke;
}): Promise<Listening> {
  return startFront(options.port, bodyLimit, async (request, bytes) => {
    const event = httpEvent(
      request,
      { routeKey: '$default' },
      eventBody(bytes, request.headers['content-type']),
    );
    const result = await options.invoke(event);
    switch (result.kind) {
      case 'response':
        return { payload: result.payload };
      case 'error':
        return { status: 502, message: 'Internal Server Error' };
      case 'throttled':
        return { status: 429, message: 'Too Many Requests' };
    }
  });
}
