import { signaturePattern, signingKeyIdPattern, verify } from '../../functions/webhook/klarna-signature.ts';
import { readDelivery } from '../../functions/webhook/klarna-delivery.ts';
import type { QuarantineReason } from '../../functions/domain/quarantined-delivery.ts';
import type { SigningKey } from '../../functions/domain/signing-key.ts';
import { instantFromMillis } from '../../functions/domain/instant.ts';
import { readJson } from '../../functions/contract/read-json.ts';
import type { CapturedDelivery } from './captured-delivery.ts';

/** What was found about a signature. No text has anything of the body or of a key. */
export interface SignatureFinding {
  readonly result:
    | 'valid'
    | 'malformed_headers'
    | 'unknown_key'
    | 'wrong_key'
    | 'body_reencoded'
    | 'wrong_account'
    | 'wrong_signature';
  readonly text: string;
}

/** Says whether the signature of a delivery holds, and if not, why. */
export function explainSignature(
  { body, signature, signingKeyId }: CapturedDelivery,
  keys: readonly SigningKey[],
): SignatureFinding {
  const malformed = malformedHeader(signature, signingKeyId);
  if (malformed !== undefined) return { result: 'malformed_headers', text: malformed };
  const named = keys.find(({ id }) => id === signingKeyId);
  if (named && verify(body, named.key, signature)) return bindingFinding(body, named);
  const other = keys.find(({ id, key }) => id !== signingKeyId && verify(body, key, signature));
  if (other) return otherKey(other, named);
  const ordered = named ? [named, ...keys.filter((key) => key !== named)] : keys;
  for (const key of ordered) {
    const change = changeOf(body, key.key, signature);
    if (change !== undefined) return reencoded(change, key, named);
  }
  if (!named) return unknownKey(signingKeyId, keys);
  return {
    result: 'wrong_signature',
    text:
      `The signature does not hold with the key ${signingKeyId}, nor with any other key here. Its secret in signing-keys may be a wrong one ` +
      '(run `lapse keys rotate signing`), the content was changed on the way, or Klarna did not send it.',
  };
}

function malformedHeader(signature: string, signingKeyId: string): string | undefined {
  if (!signaturePattern.test(signature))
    return 'Klarna-Signature is not 64 hexadecimal digits in lower case. Something on the way changed the header, or it came twice.';
  return signingKeyIdPattern.test(signingKeyId)
    ? undefined
    : 'Klarna-Signing-Key-Id is not one word. Something on the way changed the header, or it came twice.';
}

/** The signature holds. The delivery may still be for another account than the key. */
function bindingFinding(body: Buffer, key: SigningKey): SignatureFinding {
  const judged = readDelivery(body, key, instantFromMillis(Date.now()));
  const reason = judged.kind === 'quarantine' ? judged.delivery.reason : undefined;
  const binding = reason === undefined ? undefined : bindings[reason];
  if (binding !== undefined)
    return {
      result: 'wrong_account',
      text: `The signature holds, and the delivery is quarantined: ${binding}`,
    };
  const rest = reason === undefined ? '' : ` The delivery is quarantined as ${reason}.`;
  return { result: 'valid', text: `The signature holds with the key ${key.id}.${rest}` };
}

const entryOf = "in the key's entry of signing-keys";

const bindings: Partial<Record<QuarantineReason, string>> = {
  other_account: `its subject_account_id is not an account ${entryOf}.`,
  unknown_account: 'its account is not known here, and the key quarantines such accounts.',
  other_recipient: `its recipient_account_id is not the one ${entryOf}.`,
  other_webhook: `its webhook_id is not the one ${entryOf}.`,
  other_environment: `it is from the other environment than \`live\` ${entryOf} says.`,
};

function otherKey(other: SigningKey, named: SigningKey | undefined): SignatureFinding {
  const why = named
    ? 'Two secrets in signing-keys are exchanged, or the header was changed.'
    : 'The header names a key that is not in signing-keys.';
  return {
    result: 'wrong_key',
    text: `The signature holds with another key than the header names: ${other.id}. ${why}`,
  };
}

function unknownKey(signingKeyId: string, keys: readonly SigningKey[]): SignatureFinding {
  const known = keys.map(({ id }) => id).join(', ') || 'none';
  return {
    result: 'unknown_key',
    text: `The key ${signingKeyId} is not in signing-keys. Known: ${known}. Run \`lapse connect\`, or check the environment.`,
  };
}

function reencoded(change: string, key: SigningKey, named: SigningKey | undefined): SignatureFinding {
  const whose = key === named ? '' : ` It holds with the key ${key.id}, which the header does not name.`;
  return {
    result: 'body_reencoded',
    text:
      `The signature holds over the body before it was changed on the way: ${change}.${whose} ` +
      'Pass the bytes on as they arrive (docs/guides/raw-bodies-and-signatures.md).',
  };
}

/** A longer body is not examined. Klarna's have about 1 KB. */
const longestExamined = 256 * 1024;

/** How the body was changed on the way, where the signature holds without that change. */
function changeOf(body: Buffer, key: string, signature: string): string | undefined {
  if (body.length > longestExamined) return undefined;
  for (const [change, original] of originalsOf(body)) {
    if (verify(original, key, signature)) return change;
  }
  return undefined;
}

/** The bodies that may have been signed, each with the change that makes these bytes of it. */
function* originalsOf(body: Buffer): Generator<readonly [string, Buffer]> {
  const wrapped = [...unwrapped(body)];
  // What needs one change comes before what needs two.
  yield* wrapped;
  yield* rewritten(body);
  for (const [change, bytes] of wrapped) {
    for (const [another, original] of rewritten(bytes)) yield [`${change}, and ${another}`, original];
  }
}

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/** What is in the body, where something wrapped it. */
function* unwrapped(body: Buffer): Generator<readonly [string, Buffer]> {
  const text = body.toString('utf8').trim();
  if (body.subarray(0, 3).equals(byteOrderMark)) yield ['a byte order mark was added', body.subarray(3)];
  if (/^[A-Za-z0-9+/_-]+={0,2}$/.test(text.replaceAll(/\s/g, '')))
    yield ['it was encoded in base64', Buffer.from(text, 'base64')];
  const inner = readJson(body);
  if (typeof inner === 'string') yield ['it was put into a JSON text', Buffer.from(inner, 'utf8')];
}

/** The bodies of which an ordinary rewriting makes this one. */
function* rewritten(body: Buffer): Generator<readonly [string, Buffer]> {
  const text = body.toString('utf8');
  const trimmed = text.trimEnd();
  if (trimmed !== text) yield ['a line end or a space was added at its end', Buffer.from(trimmed, 'utf8')];
  for (const end of ['\n', '\r\n'])
    yield ['a line end was removed from its end', Buffer.from(trimmed + end, 'utf8')];
  if (text.includes('\r\n'))
    yield ['its line ends were changed', Buffer.from(text.replaceAll('\r\n', '\n'), 'utf8')];
  yield ['its line ends were changed', Buffer.from(text.replaceAll(/\r?\n/g, '\r\n'), 'utf8')];
  yield ['a byte order mark was removed', Buffer.concat([byteOrderMark, body])];
  yield ['its characters were read as Latin-1', Buffer.from(text, 'latin1')];
  yield ['its characters were read as Latin-1', Buffer.from(body.toString('latin1'), 'utf8')];
  const value = readJson(body);
  if (typeof value !== 'object' || value === null) return;
  for (const serialised of serialisations(value))
    yield ['it was parsed and serialised again', Buffer.from(serialised, 'utf8')];
}

/** The ways in which libraries write a value. */
function* serialisations(value: object): Generator<string> {
  const written = [
    JSON.stringify(value),
    JSON.stringify(value, undefined, 2),
    JSON.stringify(value, undefined, 4),
    spaced(value),
  ];
  for (const json of written) {
    for (const form of [json, escaped(json), json.replaceAll('/', '\\/'), sorted(value, json)]) {
      yield form;
      yield `${form}\n`;
    }
  }
}

/** With a space after each comma and colon, as Python writes it. */
function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, inner]) => `${JSON.stringify(name)}: ${spaced(inner)}`)
    .join(', ')}}`;
}

/** With the names of each object in order. Other spacings than none are left as they are. */
const sorted = (value: unknown, json: string): string =>
  json === JSON.stringify(value) ? JSON.stringify(inOrder(value)) : json;

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => [name, inOrder(inner)]),
  );
}

/** With every character beyond ASCII as `\uXXXX`. */
const escaped = (json: string): string =>
  json.replaceAll(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
