import * as v from 'valibot';
import { recordOf } from '../../functions/contract/record-of.ts';
import { readJson } from '../../functions/contract/read-json.ts';
import { UsageError } from '../usage-error.ts';

/** A delivery that was captured on its way: the bytes of its body, and its two headers. */
export interface CapturedDelivery {
  readonly body: Buffer;
  readonly signature: string;
  readonly signingKeyId: string;
}

/** Headers that are given beside a file with the body only. */
export interface GivenHeaders {
  readonly signature?: string | undefined;
  readonly signingKeyId?: string | undefined;
}

/** An event of a Lambda URL or an HTTP API, as a log or a dead-letter queue may have it. */
const eventSchema = v.object({
  headers: recordOf(v.string(), v.string()),
  body: v.string(),
  isBase64Encoded: v.fallback(v.optional(v.boolean(), false), false),
});

/**
 * Reads a captured delivery. A file may have an event of the function as JSON, an HTTP message with headers, or the body alone.
 *
 * @throws {UsageError} where a header is missing
 */
export function deliveryIn(file: Buffer, given: GivenHeaders): CapturedDelivery {
  const { headers, body } = eventIn(file) ??
    messageIn(file) ?? { headers: new Map<string, string>(), body: file };
  const signature = given.signature ?? headers.get('klarna-signature');
  const signingKeyId = given.signingKeyId ?? headers.get('klarna-signing-key-id');
  if (signature === undefined || signingKeyId === undefined)
    throw new UsageError(
      'The headers of the delivery are missing: give --signature and --signing-key-id, or a file with the headers.',
    );
  return { body, signature: signature.trim(), signingKeyId: signingKeyId.trim() };
}

interface Message {
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

function eventIn(file: Buffer): Message | undefined {
  const parsed = v.safeParse(eventSchema, readJson(file));
  if (!parsed.success) return undefined;
  const { headers, body, isBase64Encoded } = parsed.output;
  return {
    headers: new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    body: Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'),
  };
}

/** Headers up to an empty line, and the bytes after it as they are. A request line may come first. */
function messageIn(file: Buffer): Message | undefined {
  const end = /\r?\n\r?\n/.exec(file.toString('latin1'));
  if (!end) return undefined;
  const lines = file.subarray(0, end.index).toString('latin1').split(/\r?\n/);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name = '', value = ''] = /^([A-Za-z0-9-]+):[ \t]*(.*)$/.exec(line) ?? [];
    if (name !== '') headers.set(name.toLowerCase(), value);
  }
  if (!headers.has('klarna-signature')) return undefined;
  return { headers, body: file.subarray(end.index + end[0].length) };
}
