import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { programFiles } from '../program-files.ts';
import type { InvocationResult } from './invoke.ts';

export interface SandboxOptions {
  readonly name: string;
  readonly arn: string;
  readonly bundle: string;
  readonly handler: string;
  readonly timeoutSeconds: number;
  readonly memoryMegabytes: number;
  /** The whole environment of the process. It inherits only PATH. */
  readonly environment: Readonly<Record<string, string>>;
  /** By how many milliseconds the function's clock is ahead of the machine's, read when an invocation begins. */
  readonly clockAhead: () => number;
  readonly onLog: (line: string) => void;
}

interface Invocation {
  readonly id: string;
  readonly payload: string;
  /** Starts the time limit. Returns when it ends, in milliseconds since 1970 by the machine's clock. */
  readonly begin: () => number;
  readonly finish: (result: InvocationResult) => void;
}

/** AWS allows ten seconds for the code outside the handler. */
const initLimitMillis = 10_000;

/** One execution environment: a process with a Runtime API of its own, for one invocation at a time. */
export class Sandbox {
  readonly #options: SandboxOptions;
  readonly #server: http.Server;
  #child: ChildProcess | undefined;
  #waiting: http.ServerResponse | undefined;
  #current: Invocation | undefined;
  #handedOver = false;
  #ended = false;

  constructor(options: SandboxOptions) {
    this.#options = options;
    this.#server = http.createServer((request, response) => this.#respond(request, response));
    this.#server.keepAliveTimeout = 0;
    this.#server.listen(0, '127.0.0.1', () => this.#spawn());
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** Runs one invocation. Like at AWS, the time limit starts when the process takes the invocation. */
  invoke(payload: unknown): Promise<InvocationResult> {
    const { timeoutSeconds, name } = this.#options;
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const finish = (result: InvocationResult): void => {
        clearTimeout(timer);
        this.#current = undefined;
        this.#handedOver = false;
        resolve(result);
      };
      const expire = (errorMessage: string): void => {
        finish({ kind: 'error', errorType: 'Sandbox.Timedout', errorMessage });
        this.end();
      };
      this.#current = {
        id: randomUUID(),
        payload: JSON.stringify(payload ?? null),
        begin: () => {
          clearTimeout(timer);
          timer = setTimeout(
            () => expire(`${name} took longer than ${timeoutSeconds} seconds`),
            timeoutSeconds * 1000,
          );
          return Date.now() + timeoutSeconds * 1000;
        },
        finish,
      };
      timer = setTimeout(() => expire(`${name} took longer than 10 seconds to start`), initLimitMillis);
      if (this.#ended) this.#fail('Runtime.ExitError', 'the process has ended');
      this.#handOver();
    });
  }

  /** Ends the process at once, with SIGKILL. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#child?.kill('SIGKILL');
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #spawn(): void {
    if (this.#ended) return;
    const { name, bundle, handler, memoryMegabytes, environment, onLog } = this.#options;
    const { port } = this.#server.address() as AddressInfo;
    const child = spawn(process.execPath, [...heapOf(memoryMegabytes), programFiles.bootstrap], {
      stdio: ['pipe', 'pipe', 'pipe'],
      // A process group of its own: Ctrl-C in a terminal reaches only the parent, which ends everything in order.
      detached: true,
      env: {
        PATH: process.env['PATH'],
        AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
        AWS_LAMBDA_FUNCTION_NAME: name,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMegabytes),
        LAMBDA_TASK_ROOT: bundle,
        _HANDLER: handler,
        TZ: 'UTC',
        ...environment,
      },
    });
    this.#child = child;
    child.stdin.on('error', () => undefined);
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', onLog);
    child.on('error', (error) => onLog(`${name} could not be started: ${error.message}`));
    child.on('close', (code, signal) => {
      this.#fail('Runtime.ExitError', `the process ended with ${signal ?? `exit code ${String(code)}`}`);
      this.end();
    });
  }

  #handOver(): void {
    const response = this.#waiting;
    const invocation = this.#current;
    if (!response || !invocation || this.#handedOver) return;
    this.#waiting = undefined;
    this.#handedOver = true;
    const clockAhead = this.#options.clockAhead();
    response.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': invocation.id,
      'lambda-runtime-deadline-ms': String(invocation.begin() + clockAhead),
      'lapse-clock-ahead-ms': String(clockAhead),
      'lambda-runtime-invoked-function-arn': this.#options.arn,
    });
    response.end(invocation.payload);
  }

  #respond(request: http.IncomingMessage, response: http.ServerResponse): void {
    const path = (request.url ?? '').replace('/2018-06-01/runtime', '');
    if (path === '/invocation/next') {
      this.#waiting = response;
      this.#handOver();
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.writeHead(202).end();
      const body = Buffer.concat(chunks).toString();
      if (path === '/init/error') this.#reportError(body);
      else if (path.startsWith(`/invocation/${this.#current?.id ?? ''}/`)) {
        if (path.endsWith('/response'))
          this.#current?.finish({ kind: 'response', payload: JSON.parse(body) as unknown });
        else this.#reportError(body);
      }
    });
  }

  #reportError(body: string): void {
    const { errorType = 'Error', errorMessage = '' } = JSON.parse(body) as Record<string, string | undefined>;
    this.#fail(errorType, errorMessage);
  }

  #fail(errorType: string, errorMessage: string): void {
    this.#current?.finish({ kind: 'error', errorType, errorMessage });
  }
}

/**
 * Limits V8's heap by the memory size as Lambda's bootstrap does: a tenth for the young generation. Without limits the
 * heap would grow with the machine's memory.
 */
function heapOf(memoryMegabytes: number): readonly string[] {
  const young = Math.floor(memoryMegabytes / 10);
  return [
    `--max-semi-space-size=${Math.floor(young / 2)}`,
    `--max-old-space-size=${memoryMegabytes - young}`,
  ];
}
