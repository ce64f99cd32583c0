import { hash } from 'node:crypto';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { Repeatable, repeatSafely } from '../application/repeat-safely.ts';
import type { IdempotentCall } from '../domain/idempotent-call.ts';
import type { PaymentRequestKey } from '../domain/identifiers.ts';
import { invalid, Problem, shown } from './problem.ts';

/** Keeps the calls that have a key. */
export type RepeatSafely = ReturnType<typeof repeatSafely>;

/**
 * Runs a call, once for its `Idempotency-Key` if it has one. Throws the problem `idempotency-key-reused` where another call had the
 * key.
 */
export async function oncePerKey<Result>(
  repeat: RepeatSafely,
  call: IdempotentCall | undefined,
  key: PaymentRequestKey,
  repeatable: Repeatable<Result>,
): Promise<Result> {
  if (!call) return repeatable.run();
  return notReused(await repeat(key, call, repeatable), { payment_request_id: key.paymentRequestId });
}

/** The result, unless another call had the key. Throws the problem `idempotency-key-reused` with these members then. */
export function notReused<Result>(
  result: Result | 'reused',
  members: Readonly<Record<string, string>>,
): Result {
  if (result !== 'reused') return result;
  throw new Problem('idempotency-key-reused', {
    detail: 'Another call had this Idempotency-Key. Nothing was done. Send a new key with a new call.',
    members,
  });
}

/** The key of a call and what it asks for, byte for byte. Throws the problem `invalid-request` where the key is malformed. */
export function idempotentCallOf(event: APIGatewayProxyEventV2): IdempotentCall | undefined {
  const key = event.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (!/^[\x21-\x7e]{1,64}$/.test(key)) {
    const allowed = '1 to 64 printable ASCII characters without spaces';
    throw invalid({ field: 'Idempotency-Key', given: shown(key), allowed });
  }
  const { routeKey, pathParameters = {}, rawQueryString, body = '', isBase64Encoded } = event;
  // Decoded, because the same path can be encoded in several ways.
  const path = Object.entries(pathParameters).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8').toString('base64');
  return { key: digestOf(key), request: digestOf(JSON.stringify([routeKey, path, rawQueryString, bytes])) };
}

const digestOf = (text: string): string => hash('sha256', text).slice(0, 16);
