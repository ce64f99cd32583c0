import { verify } from './klarna-signature.ts';

/**
 * Why a signature does not hold over the bytes that arrived. `body_reencoded`: it holds over the same JSON in another form, so something
 * on the way re-encoded the body. `signature_mismatch`: there is no such sign; the key, the sender or the content is another.
 */
export type MismatchReason = 'body_reencoded' | 'signature_mismatch';

/** A state change has about 1 KB. A longer body is not examined: anyone can send one. */
const longestExamined = 16 * 1024;

/**
 * How a body was re-encoded.
 * - `charset`: read in one character set and written in another.
 * - `byte_order_mark`: with one, or without the one that it had.
 * - `line_end`: with another end, or with other ends of its lines.
 * - `base64`, `json_text`: within base64, or within a text of JSON.
 * - `serialised`: parsed and serialised again.
 */
export type BodyChange = 'charset' | 'byte_order_mark' | 'line_end' | 'base64' | 'json_text' | 'serialised';

/** Why a signature does not hold over these bytes. */
export const reasonOfMismatch = (bytes: Uint8Array, key: string, signature: string): MismatchReason =>
  changeOfBody(bytes, key, signature) === undefined ? 'signature_mismatch' : 'body_reencoded';

/**
 * Looks for a form of the body that the signature holds over; `undefined` where there is none. It changes bytes and reads no field. At most
 * about forty signatures are computed, so it takes a millisecond.
 */
export function changeOfBody(bytes: Uint8Array, key: string, signature: string): BodyChange | undefined {
  if (bytes.length > longestExamined) return undefined;
  for (const [change, form] of formsOf(Buffer.from(bytes))) {
    if (verify(form, key, signature)) return change;
  }
  return undefined;
}

const byteOrderMark = '\uFEFF';

/** The bytes that Klarna may have sent, if each of the usual ways to re-encode a body had led to these ones. */
function* formsOf(bytes: Buffer): Generator<readonly [BodyChange, Buffer]> {
  const text = bytes.toString('utf8');
  const isMarked = text.startsWith(byteOrderMark);
  const stripped = text.replace(/^\uFEFF/, '').trim();
  yield ['charset', Buffer.from(text, 'latin1')];
  yield ['charset', Buffer.from(bytes.toString('latin1'), 'utf8')];
  yield ['byte_order_mark', isMarked ? bytes.subarray(3) : Buffer.from(byteOrderMark + text, 'utf8')];
  for (const ended of ends(stripped)) yield [isMarked ? 'byte_order_mark' : 'line_end', ended];
  for (const written of serialisations(stripped)) yield ['serialised', written];
  for (const [change, inner] of unwrapped(stripped)) {
    for (const form of [...ends(inner), ...serialisations(inner)]) yield [change, form];
  }
}

/** The text with each end, and with other ends of its lines. */
function* ends(text: string): Generator<Buffer> {
  for (const lineEnd of ['', '\n', '\r\n']) yield Buffer.from(text + lineEnd, 'utf8');
  yield Buffer.from(text.replaceAll('\r\n', '\n'), 'utf8');
}

/** The JSON as different libraries write it. */
function* serialisations(json: string): Generator<Buffer> {
  for (const spacing of spacings) {
    const spaced = respaced(json, spacing);
    yield Buffer.from(spaced, 'utf8');
    yield Buffer.from(escaped(spaced), 'utf8');
    yield Buffer.from(unescaped(spaced), 'utf8');
    yield Buffer.from(spaced.replaceAll(/(?<!\\)\//g, '\\/'), 'utf8');
  }
}

/** The body within base64, or within a JSON text. */
function* unwrapped(text: string): Generator<readonly ['base64' | 'json_text', string]> {
  if (/^[A-Za-z0-9+/\s]+={0,2}$/.test(text)) yield ['base64', Buffer.from(text, 'base64').toString('utf8')];
  if (text.startsWith('"')) yield ['json_text', text.slice(1, -1).replaceAll(/\\(["\\/])/g, '$1')];
}

/** How libraries put spaces and lines between the parts of JSON: none, one after each comma and colon, or a line for each part. */
const spacings = ['none', 'one', 'lines'] as const;

/** Levels of a body that is examined. Klarna's have fewer than ten, and each level costs spaces. */
const deepest = 32;

/** The same JSON with other spaces between its parts. Takes one step for each character, whatever they are. */
function respaced(json: string, spacing: (typeof spacings)[number]): string {
  let written = '';
  let before = '';
  let depth = 0;
  let isInText = false;
  const newLine = (): string => (spacing === 'lines' ? `\n${'  '.repeat(depth)}` : '');
  for (let index = 0; index < json.length; index += 1) {
    const character = json.charAt(index);
    if (isInText) {
      const isEscape = character === '\\';
      written += isEscape ? json.slice(index, index + 2) : character;
      if (isEscape) index += 1;
      isInText = character !== '"';
      continue;
    }
    if (/\s/.test(character)) continue;
    const isEnd = character === '}' || character === ']';
    if (isEnd) depth = Math.max(0, depth - 1);
    if (before === ',') written += spacing === 'one' ? ' ' : newLine();
    else if (before === ':') written += spacing === 'none' ? '' : ' ';
    else if (isBegin(before) !== isEnd && before !== '') written += newLine();
    written += character;
    if (isBegin(character)) depth += 1;
    if (depth > deepest) return json;
    isInText = character === '"';
    before = character;
  }
  return written;
}

const isBegin = (character: string): boolean => character === '{' || character === '[';

/** The same JSON with every character beyond ASCII as `\uXXXX`, as some libraries write it. */
const escaped = (json: string): string =>
  json.replaceAll(/[^\x00-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** The same JSON without escapes that it does not need. */
const unescaped = (json: string): string =>
  json
    .replaceAll(/\\u(?!00[01]|0022|005[cC])([0-9a-fA-F]{4})/g, (_, code: string) =>
      String.fromCharCode(Number.parseInt(code, 16)),
    )
    .replaceAll('\\/', '/');
