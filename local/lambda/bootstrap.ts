/**
 * The runtime client of one execution environment. It asks the Runtime API for an invocation, runs the handler, reports
 * the result and asks again (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html). It ends with its parent:
 * the pipe on its standard input closes then, however the parent ends.
 */
import { existsSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { createRequire, flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { shiftDate } from './shifted-date.ts';

/** An `import` would load undici, too, which takes half of the time that such a process needs to start. */
const http = process.getBuiltinModule('node:http');

type Handler = (event: unknown, context: unknown) => Promise<unknown>;

const {
  AWS_LAMBDA_RUNTIME_API: address = '',
  LAMBDA_TASK_ROOT: root = '',
  _HANDLER: setting = '',
} = process.env;
const base = `http://${address}/2018-06-01/runtime`;
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

process.stdin.on('end', () => process.exit(0));
process.stdin.resume();

interface RuntimeResponse {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

function call(method: string, path: string, body?: string): Promise<RuntimeResponse> {
  return new Promise((resolve, reject) => {
    const request = http.request(`${base}${path}`, { method, agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }),
      );
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

const describe = (error: unknown): string =>
  JSON.stringify(
    error instanceof Error
      ? { errorType: error.name, errorMessage: error.message, trace: error.stack?.split('\n') ?? [] }
      : { errorType: typeof error, errorMessage: String(error), trace: [] },
  );

/** Loads the handler as Lambda's own client does: the file that ends in .js, else the ES module. */
async function loadHandler(): Promise<Handler> {
  const [file = '', name = ''] = setting.split('.');
  const path = join(root, file);
  const loaded = (
    existsSync(`${path}.mjs`) && !existsSync(`${path}.js`)
      ? await import(pathToFileURL(`${path}.mjs`).href)
      : createRequire(import.meta.url)(`${path}.js`)
  ) as Record<string, unknown>;
  const handler = loaded[name];
  if (typeof handler !== 'function') throw new Error(`${setting} is not a function`);
  return handler as Handler;
}

function contextOf(headers: IncomingHttpHeaders) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  return {
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    functionName: process.env['AWS_LAMBDA_FUNCTION_NAME'],
    functionVersion: '$LATEST',
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    memoryLimitInMB: process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'],
    logGroupName: `/aws/lambda/${process.env['AWS_LAMBDA_FUNCTION_NAME'] ?? ''}`,
    logStreamName: String(process.pid),
    callbackWaitsForEmptyEventLoop: false,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

/**
 * By how many milliseconds this function's clock differs from the machine's. Each invocation sets it, so no clock jumps
 * during one.
 */
let ahead = 0;
shiftDate(() => ahead);

let handler: Handler;
try {
  handler = await loadHandler();
  // Applies where NODE_COMPILE_CACHE is set. This process ends by a kill, which would lose what the next one could
  // reuse.
  flushCompileCache();
} catch (error) {
  await call('POST', '/init/error', describe(error));
  process.exit(1);
}
for (;;) {
  const { headers, body } = await call('GET', '/invocation/next').catch(() => process.exit(0));
  const id = String(headers['lambda-runtime-aws-request-id']);
  ahead = Number(headers['lapse-clock-ahead-ms']);
  try {
    const result = await handler(JSON.parse(body), contextOf(headers));
    await call('POST', `/invocation/${id}/response`, result === undefined ? 'null' : JSON.stringify(result));
  } catch (error) {
    await call('POST', `/invocation/${id}/error`, describe(error));
  }
}
