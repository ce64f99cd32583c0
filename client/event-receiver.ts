import { isLapseEvent, type LapseEvent, lapseEventTypes } from './events.ts';

/** What your endpoint expects of a delivery. */
export interface EventReceiverOptions {
  /** The keys that a delivery may have: the text of the secret that `forwardEvents` got. Two while you change it. */
  readonly keys: readonly string[];
  /** The header with the key. @default 'X-Api-Key' */
  readonly headerName?: string;
}

/** A delivery as your server has it: the headers of `fetch` or of Node, and the body as text or as parsed JSON. */
export interface Delivery {
  readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: unknown;
}

/**
 * What a delivery is, and the status that your endpoint should respond with.
 * - `event`: an event of Lapse. Respond with the status after you have stored it. It can arrive again, with the same `event_key`.
 * - `unknown_event`: from Lapse, but of a type that this version of the client does not know. Nothing is wrong.
 * - `malformed`: the key is right and the body is not an event.
 * - `refused`: the key is wrong or missing. Do not read the body.
 */
export type ReceivedDelivery =
  | { readonly outcome: 'event'; readonly status: 200; readonly event: LapseEvent }
  | { readonly outcome: 'unknown_event'; readonly status: 200; readonly type: string }
  | { readonly outcome: 'malformed'; readonly status: 400 }
  | { readonly outcome: 'refused'; readonly status: 401 };

/**
 * Verifies the deliveries that `forwardEvents` sends: the key first, in constant time, then the event.
 *
 * @throws {TypeError} where there is no key, or an empty one
 */
export function eventReceiver({
  keys,
  headerName = 'X-Api-Key',
}: EventReceiverOptions): (delivery: Delivery) => Promise<ReceivedDelivery> {
  if (keys.length === 0 || keys.some((key) => typeof key !== 'string' || key.trim() === ''))
    throw new TypeError('keys has no key or an empty one; allowed: at least one key, none of them empty.');
  const expected = Promise.all(keys.map(digestOf));
  return async ({ headers, body }) => {
    const given = await digestOf(headerOf(headers, headerName) ?? '');
    if (!isOneOf(given, await expected)) return { outcome: 'refused', status: 401 };
    const event = typeof body === 'string' ? jsonOf(body) : body;
    if (isLapseEvent(event)) return { outcome: 'event', status: 200, event };
    const type = unknownTypeOf(event);
    return type === undefined
      ? { outcome: 'malformed', status: 400 }
      : { outcome: 'unknown_event', status: 200, type };
  };
}

/** Digests have one length, so that a comparison says nothing about a key. */
const digestOf = async (text: string): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));

function isOneOf(given: Uint8Array, expected: readonly Uint8Array[]): boolean {
  let isEqual = false;
  for (const each of expected) {
    // Every byte of every key is compared, whatever the result so far.
    let difference = 0;
    for (const [index, byte] of each.entries()) difference |= byte ^ (given[index] ?? 0);
    isEqual = difference === 0 || isEqual;
  }
  return isEqual;
}

/** A header that comes twice counts as missing: which of them is meant would be a guess. */
function headerOf(headers: Delivery['headers'], name: string): string | undefined {
  if (headers instanceof Headers) return headers.get(name) ?? undefined;
  const found = Object.entries(headers).filter(([each]) => each.toLowerCase() === name.toLowerCase());
  const [value] = found.map(([, each]) => each);
  return found.length === 1 && typeof value === 'string' ? value : undefined;
}

/** The detail type of what comes from Lapse in a form that this version does not know: another type, or a later schema. */
function unknownTypeOf(event: unknown): string | undefined {
  if (typeof event !== 'object' || event === null) return undefined;
  const { source, 'detail-type': type, detail } = event as Readonly<Record<string, unknown>>;
  if (source !== 'lapse' || typeof type !== 'string') return undefined;
  const { schema_version: version } = (detail ?? {}) as { readonly schema_version?: unknown };
  const isLater = typeof version === 'number' && version > 1;
  return isLater || !lapseEventTypes.some((each) => each === type) ? type : undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
