import { randomUUID } from 'node:crypto';
import type { SimulatorResponse, Refusal } from './simulator-response.ts';

/** Klarna uses two envelopes for errors. */
export type EnvelopeStyle = 'errors' | 'validation_errors';

const documentation = 'https://docs.klarna.com/';

const errorTypes: Readonly<Record<number, string>> = {
  400: 'INPUT_ERROR',
  401: 'ACCESS_ERROR',
  403: 'ACCESS_ERROR',
  404: 'RESOURCE_ERROR',
  409: 'RESOURCE_ERROR',
  429: 'ACCESS_ERROR',
};

/** The refusal in one of the envelopes. */
export function inEnvelope(refusal: Refusal, style: EnvelopeStyle): SimulatorResponse {
  const { status, errorCode, message, parameter, headers = {} } = refusal;
  const error_id = randomUUID();
  const shared = { error_code: errorCode, error_message: message, doc_url: documentation };
  return {
    status,
    headers,
    json:
      style === 'errors'
        ? {
            error_id,
            error_type: errorTypes[status] ?? 'SYSTEM_ERROR',
            ...shared,
            errors: parameter === undefined ? [] : [{ parameter, error_message: message }],
          }
        : {
            error_id,
            ...shared,
            validation_errors:
              parameter === undefined ? [] : [{ parameter, reason: message, doc_url: documentation }],
          },
  };
}
