import { signaturePattern, signingKeyIdPattern, verify } from '../../functions/webhook/klarna-signature.ts';
import { readDelivery } from '../../functions/webhook/klarna-delivery.ts';
import type { QuarantineReason } from '../../functions/domain/quarantined-delivery.ts';
import type { SigningKey } from '../../functions/domain/signing-key.ts';
import { instantFromMillis } from '../../functions/domain/instant.ts';
import { type BodyChange, changeOfBody } from '../../functions/webhook/signature-mismatch.ts';
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
    const change = changeOfBody(body, key.key, signature);
    if (change !== undefined) return reencoded(changes[change], key, named);
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

/** What was done to the body on the way, in words. */
const changes: Readonly<Record<BodyChange, string>> = {
  charset: 'it was read in another character set',
  byte_order_mark: 'a byte order mark was added or removed',
  line_end: 'a line end was added, removed or changed',
  base64: 'it was encoded in base64',
  json_text: 'it was put into a JSON text',
  serialised: 'it was parsed and serialised again',
};
