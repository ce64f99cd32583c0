import { setTimeout as wait } from 'node:timers/promises';
import { AwsClient } from 'aws4fetch';
import { defaultSigningKeys } from '../../local/secrets/default-secrets.ts';
import { startLocalProcess } from './local-process.ts';
import { readTargetFile } from './target-file.ts';

/** A running system, its addresses and how to call it. */
export interface Target {
  readonly api: string;
  readonly webhook: string;
  /** The Klarna simulator. Absent with the real Klarna. */
  readonly simulator: { readonly klarna: string } | undefined;
  /** The control address of a local system. */
  readonly control: string | undefined;
  /** The queue that gets every event of a deployed stack. */
  readonly eventsQueue: string | undefined;
  readonly account: string;
  readonly subjectAccountId: string;
  readonly signingKey: { readonly id: string; readonly key: string };
  /** Calls the API, with a signature if the system needs one. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Calls the webhook, as Klarna does. */
  readonly fetchWebhook: (url: string, init: RequestInit) => Promise<Response>;
  /** Runs the sweep now, if it is the only timer. */
  readonly sweep?: () => Promise<void>;
  /** Ends the system if the test started it. Resolves to the exit code. */
  readonly stop: () => Promise<number | null>;
}

/** Whether the scenarios are run against a deployed stack. */
export const isDeployed = process.env['TARGET'] !== undefined;

const deployed = process.env['TARGET'] === undefined ? undefined : readTargetFile(process.env['TARGET']);

/** Whether the Klarna simulator is there: always with a local system, and with a deployed stack that calls it. */
export const hasSimulator = !isDeployed || deployed?.klarna_simulator !== undefined;

/** The deployed stack that `TARGET` names, or a local system that is started now. */
export const openTarget = (): Promise<Target> =>
  deployed === undefined ? openLocalTarget() : Promise.resolve(deployedTarget(deployed));

/** What ends sessions in the local system of the scenarios. */
export const timers = process.env['TIMERS'] === 'sweep' ? 'sweep' : 'scheduler';

/** The local system of a test file, and how often it is open. */
let shared: Promise<Target> | undefined;
let opened = 0;

/** A local system with its defaults. A test file shares one, which ends at the last `stop`. */
export async function openLocalTarget(): Promise<Target> {
  opened += 1;
  shared ??= startLocalTarget();
  const target = await shared;
  return {
    ...target,
    stop: async () => {
      opened -= 1;
      return opened === 0 ? target.stop() : 0;
    },
  };
}

/** A local system, started now. */
export async function startLocalTarget(...options: readonly string[]): Promise<Target> {
  const system = await startLocalProcess('--timers', timers, ...options);
  return {
    ...withDefaults(system),
    ...(timers === 'sweep' && { sweep: () => sweepNow(system.control) }),
    stop: () => system.stop(),
  };
}

async function sweepNow(control: string): Promise<void> {
  const { ok } = await fetch(`${control}/sweep`, { method: 'POST' });
  if (!ok) throw new Error('The sweep does not run.');
}

/** A local system that runs already. */
export function withDefaults(addresses: {
  readonly api: string;
  readonly webhook: string;
  readonly klarna: string;
  readonly control: string;
}): Target {
  const [[id, { key, accounts }]] = Object.entries(defaultSigningKeys) as [
    [string, (typeof defaultSigningKeys)[keyof typeof defaultSigningKeys]],
  ];
  const [[subjectAccountId, account]] = Object.entries(accounts) as [[string, string]];
  return {
    api: addresses.api,
    webhook: addresses.webhook,
    simulator: addresses,
    control: addresses.control,
    eventsQueue: undefined,
    account,
    subjectAccountId,
    signingKey: { id, key },
    fetch: (url, init) => fetch(url, init),
    fetchWebhook: (url, init) => fetch(url, init),
    stop: () => Promise.resolve(0),
  };
}

const deployedTarget = (target: NonNullable<typeof deployed>): Target => ({
  api: target.api,
  webhook: target.webhook,
  simulator: target.klarna_simulator === undefined ? undefined : { klarna: target.klarna_simulator },
  control: undefined,
  eventsQueue: target.events_queue,
  account: target.account,
  subjectAccountId: target.subject_account_id,
  signingKey: { id: target.signing_key_id, key: target.signing_key },
  fetch: repeating(
    target.bearer_token === undefined ? signedFetch(target.region) : fetchWithToken(target.bearer_token),
  ),
  fetchWebhook: repeating((url, init) => fetch(url, init)),
  stop: () => Promise.resolve(0),
});

/**
 * Repeats a call after a 503, as Klarna and the client for Node.js do. A deployed stack responds with it when its table is slow. An
 * emulator on a busy machine can stand still for longer than the two seconds of a webhook's write.
 */
const repeating =
  (call: Target['fetch']): Target['fetch'] =>
  async (url, init) => {
    for (let repeats = 0; ; repeats += 1) {
      const response = await call(url, init);
      if (response.status !== 503 || repeats === mostRepeats) return response;
      await wait(1_000);
    }
  };

const mostRepeats = 3;

const fetchWithToken =
  (token: string): Target['fetch'] =>
  (url, init) => {
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${token}`);
    return fetch(url, { ...init, headers });
  };

function signedFetch(region: string): Target['fetch'] {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
  if (AWS_ACCESS_KEY_ID === undefined || AWS_SECRET_ACCESS_KEY === undefined) {
    throw new Error(
      'TARGET is set, and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not: calls have to be signed.',
    );
  }
  const signer = new AwsClient({
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN !== undefined && { sessionToken: AWS_SESSION_TOKEN }),
    region,
    service: 'execute-api',
    // It would repeat every 5xx and 429, and the scenarios assert on them.
    retries: 0,
  });
  return (url, init) => signer.fetch(url, init);
}
