import http from 'node:http';
import https from 'node:https';

/**
 * An error response of the engine, as opposed to no response. `code` is the bare name, such as
 * `ExpiredIteratorException`.
 */
export class EngineRefusal extends Error {
  override readonly name = 'EngineRefusal';
  readonly code: string;

  constructor(operation: string, code: string, message: string) {
    super(`${operation}: ${code}: ${message}`);
    this.code = code;
  }
}

/** Speaks DynamoDB's wire protocol (JSON 1.0). The stream API has no client among the dependencies. */
export interface EngineConnection {
  /**
   * Takes the operation with its service's prefix, such as `DynamoDBStreams_20120810.GetRecords`. Rejects with {@link
   * EngineRefusal}, or with Node's error when the engine does not respond within ten seconds.
   */
  call(operation: string, input: object, signal?: AbortSignal): Promise<object>;
  close(): void;
}

const responseWithinMilliseconds = 10_000;

/** The engines require a signature and do not check it. */
const unsignedHeaders = {
  'content-type': 'application/x-amz-json-1.0',
  authorization:
    'AWS4-HMAC-SHA256 Credential=local/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
  'x-amz-date': '20260101T000000Z',
};

/** Connects lazily and keeps its sockets open between calls. */
export function connectToEngine(url: string): EngineConnection {
  const transport = url.startsWith('https:') ? https : http;
  const agent = new transport.Agent({ keepAlive: true });

  return {
    call(operation, input, signal) {
      const deadline = AbortSignal.timeout(responseWithinMilliseconds);
      return new Promise((resolve, reject) => {
        const request = transport.request(
          url,
          {
            agent,
            method: 'POST',
            headers: { ...unsignedHeaders, 'x-amz-target': operation },
            signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
          },
          (response) => {
            const chunks: Buffer[] = [];
            response.on('data', (chunk: Buffer) => chunks.push(chunk));
            response.on('error', reject);
            response.on('end', () => {
              try {
                resolve(
                  parseResponse(operation, response.statusCode, Buffer.concat(chunks).toString('utf8')),
                );
              } catch (error) {
                reject(error instanceof Error ? error : new Error(String(error)));
              }
            });
          },
        );
        request.on('error', reject);
        request.end(JSON.stringify(input));
      });
    },
    close: () => {
      agent.destroy();
    },
  };
}

function parseResponse(operation: string, status: number | undefined, text: string): object {
  const body: unknown = JSON.parse(text);
  if (typeof body !== 'object' || body === null)
    throw new Error(`${operation}: the response is not a JSON object`);
  if (status === 200) return body;
  const { __type: type, message } = body as { __type?: string; message?: string };
  const code = type?.split('#').at(-1) ?? `status ${String(status)}`;
  throw new EngineRefusal(operation, code, message ?? 'no message');
}
