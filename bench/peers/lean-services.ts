/** What the lean functions share: clients with limits, the secret, Klarna's API, and one log line for each call. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { MiddlewareObj } from '@middy/core';
import * as v from 'valibot';

/** Every call ends well inside the limit of the function. */
export const clientSettings = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 2_000, throwOnRequestTimeout: true },
} as const;

export const documents = DynamoDBDocumentClient.from(new DynamoDBClient(clientSettings), {
  marshallOptions: { removeUndefinedValues: true },
});
const secrets = new SecretsManagerClient(clientSettings);

export const tableName = process.env['TABLE_NAME'] ?? '';
export const scheduleGroup = process.env['SCHEDULE_GROUP_NAME'] ?? '';

export const keyOf = (account: string, id: string) => ({ PK: `${account}#${id}` });
export const scheduleNameOf = (id: string): string => `session-${id.slice(-36)}`;

export const accountSchema = v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,32}$/));
export const requestIdSchema = v.pipe(v.string(), v.regex(/^krn:payment:[a-z0-9]+:request:[0-9a-f-]{36}$/));
export const stateSchema = v.picklist([
  'SUBMITTED',
  'IN_PROGRESS',
  'COMPLETED',
  'CANCELED',
  'EXPIRED',
  'DECLINED',
]);

const cacheMillis = 300_000;
let cached: { readonly readAt: number; readonly value: unknown } | undefined;

/** The secret of this function, read once in five minutes. */
export async function secret<Schema extends v.GenericSchema>(schema: Schema): Promise<v.InferOutput<Schema>> {
  if (!cached || Date.now() - cached.readAt > cacheMillis) {
    const { SecretString: text } = await secrets.send(
      new GetSecretValueCommand({ SecretId: process.env['SECRET_ID'] ?? '' }),
    );
    cached = { readAt: Date.now(), value: v.parse(schema, JSON.parse(text ?? '{}')) };
  }
  return cached.value;
}

export const accountsSchema = v.record(
  v.string(),
  v.object({ api_key: v.string(), partner_account_id: v.string() }),
);

const klarnaSchema = v.object({ state: stateSchema, updated_at: v.string() });

/** Calls Klarna about one Payment Request. Throws for every response that is not a success. */
export async function klarna(
  method: 'GET' | 'DELETE',
  account: v.InferOutput<typeof accountsSchema>[string],
  id: string,
): Promise<v.InferOutput<typeof klarnaSchema>> {
  const url = `${process.env['KLARNA_URL'] ?? ''}/v2/accounts/${account.partner_account_id}/payment/requests/${id}`;
  const response = await fetch(url, {
    method,
    headers: { accept: 'application/json', authorization: `Basic ${account.api_key}` },
    signal: AbortSignal.timeout(5_000),
  });
  if (!response.ok) throw new Error(`Klarna responded ${response.status} to ${method}`);
  return v.parse(klarnaSchema, await response.json());
}

/** An error that the caller made. */
export class Refusal extends Error {
  readonly statusCode: number;

  constructor(statusCode: number, message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}

export const reply = (statusCode: number, body: unknown) => ({
  statusCode,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

/** Reads JSON that came from outside. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, 'The body is not JSON.');
  }
}

/** The line of the call that is running. */
let line: Record<string, unknown> = {};
let isCold = true;

/** Adds to the line of this call. */
export const note = (fields: object): void => void Object.assign(line, fields);

const write = (level: 'INFO' | 'ERROR', fields: Readonly<Record<string, unknown>>): void =>
  void process.stdout.write(
    `${JSON.stringify({ level, timestamp: new Date().toISOString(), ...line, ...fields })}\n`,
  );

/** Writes one line at the end of each call, whether it succeeded or not. */
export const oneLine = (message: string): MiddlewareObj<unknown, unknown> => {
  let startedAt = 0;
  const millis = (): number => Math.round(performance.now() - startedAt);
  return {
    before: ({ context }) => {
      startedAt = performance.now();
      line = { message, request_id: context.awsRequestId, cold_start: isCold };
      isCold = false;
    },
    after: () => write('INFO', { millis: millis() }),
    onError: ({ error }) =>
      write('ERROR', {
        millis: millis(),
        error: error instanceof Error ? `${error.name}: ${error.message}` : 'unknown',
      }),
  };
};

/** Turns errors into responses: 400 for an invalid request, else 500 without details. */
export const httpErrors = (): MiddlewareObj<unknown, unknown> => ({
  onError: (request) => {
    const { error } = request;
    if (v.isValiError<v.GenericSchema>(error)) {
      const [issue] = error.issues;
      request.response = reply(400, { message: `${v.getDotPath(issue) ?? 'request'}: ${issue.message}` });
    } else if (error instanceof Refusal) {
      request.response = reply(error.statusCode, { message: error.message });
    } else {
      request.response = reply(500, { message: 'internal error' });
    }
  },
});
