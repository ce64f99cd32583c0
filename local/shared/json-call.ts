import type { JsonObject } from './json-object.ts';

/** The status of a response, and its body; empty where there is none. */
export interface JsonResponse {
  readonly status: number;
  readonly body: JsonObject;
}

/** Makes one HTTP call with JSON in and out. Rejects when there is no response, or when its body is not JSON. */
export async function callJson(method: string, url: string, body?: unknown): Promise<JsonResponse> {
  const response = await fetch(url, {
    method,
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as JsonObject) };
}
