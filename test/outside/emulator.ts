import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Identity } from '../../bench/stand-ins/certificate.ts';
import type { PythonEnvironment } from '../support/python-environment.ts';

/** The Region of the emulated account. */
export const region = 'eu-west-1';

/** The emulated AWS account. */
export interface Emulator {
  /** The endpoint of every service, with TLS. */
  readonly url: string;
  /** What a program needs in its environment to call it. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Where the emulator keeps its files, and how it proves who it is. */
export interface EmulatorOptions {
  readonly python: PythonEnvironment;
  readonly folder: string;
  readonly identity: Identity;
}

/** Starts the emulator on a free port of 127.0.0.1, with TLS, signatures and IAM evaluation. Resolves when it responds. */
export async function startEmulator({ python, folder, identity }: EmulatorOptions): Promise<Emulator> {
  await mkdir(join(folder, 'tmp'), { recursive: true });
  // The bundles are unpacked here. In Lambda, no package.json says that their CommonJS is ES modules.
  await writeFile(join(folder, 'tmp', 'package.json'), '{}');
  const certificate = join(folder, 'certificate.pem');
  const key = join(folder, 'key.pem');
  await writeFile(certificate, identity.certificate);
  await writeFile(key, identity.key, { mode: 0o600 });
  const port = await freePort();
  const url = `https://127.0.0.1:${port}`;
  const environment = {
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_CA_BUNDLE: certificate,
    NODE_EXTRA_CA_CERTS: certificate,
  };
  const child = spawn(python.python, [join(import.meta.dirname, 'emulator.py')], {
    // Its functions are processes of their own: they end with the group.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      ...environment,
      AUTH: 'true',
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      MINISTACK_REGION: region,
      MINISTACK_SSL_CERT: certificate,
      MINISTACK_SSL_KEY: key,
      SSL_CERT_FILE: certificate,
      TMPDIR: join(folder, 'tmp'),
      USE_SSL: '1',
    },
  });
  const log = createWriteStream(join(folder, 'emulator.log'));
  for (const stream of [child.stdout, child.stderr]) stream.pipe(log, { end: false });
  const stop = () => stopGroup(child);
  process.once('exit', () => killGroup(child, 'SIGKILL'));
  try {
    await untilListening(port, child);
  } catch (error) {
    await stop();
    throw new Error(`The emulator did not start; see ${join(folder, 'emulator.log')}.`, { cause: error });
  }
  return { url, environment, stop };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('There is no free port.');
  return address.port;
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}.`);
    const isListening = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.once('error', () => resolve(false)).once('connect', () => socket.destroy());
    });
    if (isListening) return;
    await wait(100);
  }
  throw new Error('It does not listen.');
}

function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has ended.
  }
}

async function stopGroup(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    killGroup(child, 'SIGTERM');
    await Promise.race([ended, wait(5_000)]);
  }
  killGroup(child, 'SIGKILL');
}
