const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The value of a JSON text; `undefined` if it is not JSON, or not UTF-8. It never throws, because the message of `JSON.parse`
 * quotes the text: a secret, a webhook or a message could reach the log that way.
 */
export function readJson(text: string | Uint8Array): unknown {
  try {
    return JSON.parse(typeof text === 'string' ? text : utf8.decode(text));
  } catch {
    return undefined;
  }
}
