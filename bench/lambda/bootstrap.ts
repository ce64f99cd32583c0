/**
 * The runtime client of a sample, bundled to plain JavaScript. It does what Lambda does before and between calls, at
 * the least cost. It uses a bare socket, because Lambda's own client is native code. `node:http` would be loaded, and
 * measured, before the function that needs it.
 */
import { createConnection, type Socket } from 'node:net';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

type Handler = (event: unknown, context: unknown) => Promise<unknown>;

interface RuntimeResponse {
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

const {
  AWS_LAMBDA_RUNTIME_API: address = '',
  LAMBDA_TASK_ROOT: root = '',
  _HANDLER: setting = '',
} = process.env;
const [host = '', port = ''] = address.split(':');
const socket: Socket = createConnection({ host, port: Number(port), noDelay: true });
socket.on('close', () => process.exit(0));

let received = Buffer.alloc(0);
let waiting: ((response: RuntimeResponse) => void) | undefined;

socket.on('data', (chunk: Buffer) => {
  received = Buffer.concat([received, chunk]);
  const end = received.indexOf('\r\n\r\n');
  if (end < 0) return;
  const [, ...lines] = received.toString('latin1', 0, end).split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const whole = end + 4 + Number(headers.get('content-length') ?? 0);
  if (received.length < whole) return;
  const body = received.toString('utf8', end + 4, whole);
  received = received.subarray(whole);
  waiting?.({ headers, body });
});

function call(method: string, path: string, body = ''): Promise<RuntimeResponse> {
  return new Promise((resolve) => {
    waiting = resolve;
    const head = `${method} /2018-06-01/runtime${path} HTTP/1.1\r\nhost: ${address}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
    socket.write(head + body);
  });
}

const describe = (error: unknown): string =>
  JSON.stringify({ errorMessage: error instanceof Error ? (error.stack ?? error.message) : String(error) });

/** Loads the handler as Lambda does: the file that ends in .js, else the ES module. */
async function loadHandler(): Promise<Handler> {
  const [file = '', name = ''] = setting.split('.');
  const path = join(root, file);
  const loaded = (
    existsSync(`${path}.js`)
      ? createRequire(`${root}/`)(`${path}.js`)
      : await import(pathToFileURL(`${path}.mjs`).href)
  ) as Readonly<Record<string, Handler>>;
  const handler = loaded[name];
  if (!handler) throw new Error(`${setting} is not there`);
  return handler;
}

const peakKilobytes = (): string =>
  /^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';

async function serve(handler: Handler): Promise<never> {
  for (;;) {
    const { headers, body } = await call('GET', '/invocation/next');
    const id = headers.get('lambda-runtime-aws-request-id') ?? '';
    const deadline = Number(headers.get('lambda-runtime-deadline-ms'));
    process.env['_X_AMZN_TRACE_ID'] = headers.get('lambda-runtime-trace-id');
    const before = process.cpuUsage();
    try {
      const result = await handler(JSON.parse(body), {
        awsRequestId: id,
        functionName: process.env['AWS_LAMBDA_FUNCTION_NAME'],
        functionVersion: '$LATEST',
        invokedFunctionArn: headers.get('lambda-runtime-invoked-function-arn'),
        memoryLimitInMB: process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'],
        callbackWaitsForEmptyEventLoop: false,
        getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
      });
      await call('POST', `/invocation/${id}/response`, JSON.stringify(result ?? null));
    } catch (error) {
      await call('POST', `/invocation/${id}/error`, describe(error));
    }
    // Runs after the response, so that no call pays for the measurement.
    const { user, system } = process.cpuUsage(before);
    await call('POST', `/measures/${user + system}/${peakKilobytes()}`);
  }
}

loadHandler().then(serve, (error: unknown) =>
  call('POST', '/init/error', describe(error)).then(() => process.exit(1)),
);
