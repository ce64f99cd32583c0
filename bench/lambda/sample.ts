import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CpuShare } from './cpu-share.ts';

/** The parts that run one function as Lambda does. */
export interface Sandboxed {
  /** The runtime client, bundled. */
  readonly bootstrap: string;
  /** The folder of the function's bundle. */
  readonly bundle: string;
  readonly handler: string;
  readonly memoryMegabytes: number;
  readonly environment: Readonly<Record<string, string>>;
  /** The open file that takes the function's log. Without it, the log is discarded. */
  readonly stdout?: number;
}

/** One call of a function: milliseconds from the event to the response, and milliseconds of CPU in the process. */
export interface Call {
  readonly millis: number;
  readonly cpuMillis: number;
  readonly reply: unknown;
}

/** One process from its start to its end. */
export interface Sample {
  /** Milliseconds from the start of the process until it asks for its first event. */
  readonly initMillis: number;
  /** In order. The first one is cold. */
  readonly calls: readonly Call[];
  /** The peak memory in kilobytes. */
  readonly peakKilobytes: number;
}

/** A sample that takes longer is invalid. */
const limitMillis = 60_000;

/**
 * Starts a process, sends it the events in order through a Runtime API of its own, and ends it. From the moment when it
 * asks for its first event, it has only its share of the core. Rejects with its output when it fails.
 */
export async function runSample(
  { bootstrap, bundle, handler, memoryMegabytes, environment, stdout }: Sandboxed,
  events: readonly unknown[],
  share: CpuShare | undefined,
): Promise<Sample> {
  const runtime = new RuntimeApi(events);
  const address = await runtime.listen();
  const startedAt = performance.now();
  const child = spawn(process.execPath, [bootstrap], {
    stdio: ['ignore', stdout ?? 'ignore', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      TZ: 'UTC',
      AWS_LAMBDA_RUNTIME_API: address,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMegabytes),
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
      LAMBDA_TASK_ROOT: bundle,
      _HANDLER: handler,
      ...environment,
    },
  });
  const said: Buffer[] = [];
  child.stderr?.on('data', (chunk: Buffer) => said.push(chunk));
  const ended = once(child, 'close');
  runtime.begin(startedAt, () => {
    if (share && child.pid !== undefined) share.add(child.pid);
  });
  try {
    return await Promise.race([runtime.sample, failureOf(child), tooLate()]);
  } catch (error) {
    throw new Error(`${bundle}: ${String(error)}\n${Buffer.concat(said).toString()}`, { cause: error });
  } finally {
    child.kill('SIGKILL');
    runtime.close();
    await ended;
  }
}

async function failureOf(child: ChildProcess): Promise<never> {
  const [code] = (await once(child, 'exit')) as [number | null];
  throw new Error(`the process ended with ${code ?? 'a signal'}`);
}

const tooLate = (): Promise<never> =>
  new Promise((_, reject) => setTimeout(() => reject(new Error('a minute has passed')), limitMillis).unref());

/** Sends the events one after the other, and measures each. */
class RuntimeApi {
  readonly sample: Promise<Sample>;
  readonly #events: Iterator<unknown>;
  readonly #server: http.Server;
  readonly #calls: Call[] = [];
  #resolve: (sample: Sample) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;
  #startedAt = 0;
  #onReady: () => void = () => undefined;
  #initMillis: number | undefined;
  #handedOverAt = 0;
  #respond: Omit<Call, 'cpuMillis'> | undefined;
  #peakKilobytes = 0;

  constructor(events: readonly unknown[]) {
    this.#events = events.values();
    this.sample = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#server = http.createServer((request, response) => {
      const at = performance.now();
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => this.#serve(request.url ?? '', Buffer.concat(chunks).toString(), at, response));
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** @param onReady called once, when the process has asked for its first event and before it gets it. */
  begin(startedAt: number, onReady: () => void): void {
    this.#startedAt = startedAt;
    this.#onReady = onReady;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #serve(url: string, body: string, at: number, response: http.ServerResponse): void {
    const path = url.replace('/2018-06-01/runtime', '');
    if (path === '/invocation/next') {
      this.#handOver(at, response);
      return;
    }
    const [, kind = '', ...rest] = path.split('/');
    if (kind === 'measures' && this.#respond) {
      this.#calls.push({ ...this.#respond, cpuMillis: Number(rest[0]) / 1_000 });
      this.#peakKilobytes = Number(rest[1]);
    } else if (path.endsWith('/response')) {
      this.#respond = { millis: at - this.#handedOverAt, reply: JSON.parse(body) as unknown };
    } else {
      this.#reject(new Error(body));
    }
    response.writeHead(202, { 'content-length': '0' }).end();
  }

  #handOver(at: number, response: http.ServerResponse): void {
    if (this.#initMillis === undefined) {
      this.#initMillis = at - this.#startedAt;
      this.#onReady();
    }
    const next = this.#events.next();
    if (next.done === true) {
      const initMillis = this.#initMillis;
      this.#resolve({ initMillis, calls: this.#calls, peakKilobytes: this.#peakKilobytes });
      return;
    }
    const payload = JSON.stringify(next.value);
    response.writeHead(200, {
      'content-length': Buffer.byteLength(payload),
      'lambda-runtime-aws-request-id': randomUUID(),
      'lambda-runtime-deadline-ms': String(Date.now() + 28_000),
      'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:eu-west-1:000000000000:function:bench:live',
      'lambda-runtime-trace-id': `Root=1-${randomUUID().slice(0, 8)}-${randomUUID().replaceAll('-', '').slice(0, 24)};Parent=53995c3f42cd8ad8;Sampled=1`,
    });
    this.#handedOverAt = performance.now();
    response.end(payload);
  }
}
