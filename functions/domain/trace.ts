import type { PaymentRequestId } from './identifiers.ts';

/**
 * The trace id of a Payment Request: one for its timer message, its calls to Klarna, its webhooks, log lines, history and events. It
 * follows from Klarna's id, so a function that has not read the record knows it too. The digits of the UUID in that id, or the codes
 * of its last 16 characters where that is not a UUID. 32 lower-case hexadecimal digits
 * (https://www.w3.org/TR/trace-context/#trace-id).
 */
export function traceIdOf(id: PaymentRequestId): string {
  const digits = id
    .slice(id.lastIndexOf(':') + 1)
    .replaceAll('-', '')
    .toLowerCase();
  if (isTraceId(digits)) return digits;
  const codes = Array.from(id.slice(-16), (character) => character.charCodeAt(0).toString(16));
  return codes.join('');
}

/** The trace id in a caller's `traceparent`. A malformed one is ignored, as the standard wants (https://www.w3.org/TR/trace-context/#traceparent-header). */
export function callerTraceIdIn(traceparent: string | undefined): string | undefined {
  const [, version, traceId = '', parentId = ''] = traceparentPattern.exec(traceparent ?? '') ?? [];
  return version !== 'ff' && isTraceId(traceId) && /[^0]/.test(parentId) ? traceId : undefined;
}

/** The header of a call that continues a trace. The parent is the call itself, so that each call has its own. */
export const traceparentOf = (traceId: string, parentId: string): string => `00-${traceId}-${parentId}-01`;

/** A later version may add fields after the flags, and version 0 has none. */
const traceparentPattern = /^(?!00-.{52}.)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?$/;

/** Zeros alone stand for no trace. */
const isTraceId = (text: string): boolean => /^(?!0{32}$)[0-9a-f]{32}$/.test(text);
