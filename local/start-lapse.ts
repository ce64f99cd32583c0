import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { programFiles } from './program-files.ts';

/** How to start a local system. Everything is optional. */
export interface StartLapseOptions {
  /**
   * A file with the secret `accounts`, as JSON.
   * @default the account `demo`
   */
  readonly accountsFile?: string;
  /**
   * A file with the secret `signing-keys`, as JSON.
   * @default a key of the simulator
   */
  readonly signingKeysFile?: string;
  /**
   * A file with the secret of each credential, by name, as JSON.
   * @default none
   */
  readonly credentialsFile?: string;
  /**
   * Whether Klarna and the secrets know each other from the start. False: the secrets are empty, and nothing is subscribed, as in a
   * new deployment.
   * @default true
   */
  readonly connected?: boolean;
  /**
   * A folder that keeps the data.
   * @default a temporary one, deleted at the end
   */
  readonly dataDirectory?: string;
  /**
   * The address of another Klarna.
   * @default the simulator
   */
  readonly klarnaUrl?: string;
  /**
   * Origins of pages that may read a session with a page token.
   * @default ['http://localhost:3000', 'http://localhost:5173']
   */
  readonly pageOrigins?: readonly string[];
  /**
   * What ends sessions at their deadline.
   * @default 'scheduler'
   */
  readonly timers?: 'scheduler' | 'sweep';
}

/** What the customer does at Klarna. */
export type CustomerAction = 'start' | 'approve' | 'decline' | 'step-back' | 'abandon';

/** A running local system: Lapse, what it needs of AWS, and the Klarna simulator, each at a free port of this machine. */
export interface RunningLapse {
  /** The address of the API: the `url` of the client. */
  readonly api: string;
  /** The address that receives Klarna's webhooks. */
  readonly webhook: string;
  /** The address of the simulator: the base URL for your own calls to Klarna. */
  readonly klarna: string;
  /** The address for faults, schedules, dead letters and the clock. */
  readonly control: string;
  /** Creates a Payment Request at the simulator, and returns its id. */
  createPaymentRequest(): Promise<string>;
  /** Acts for the customer at the simulator. */
  customer(paymentRequestId: string, action: CustomerAction): Promise<void>;
  /** Lets this much time pass on every clock, so that deadlines are due. */
  passTime(milliseconds: number): Promise<void>;
  /** Returns the events that were published so far, oldest first. */
  events(): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Ends everything. */
  stop(): Promise<void>;
}

/**
 * Starts a local system and resolves when it is ready. It ends with this process, too. Rejects with its output when it cannot start.
 * It needs Node 24.
 */
export async function startLapse(options: StartLapseOptions = {}): Promise<RunningLapse> {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 24) throw new Error(`lapse-local needs Node 24 or newer, and this is ${process.version}.`);
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', programFiles.command, ...flagsFor(options)],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LAPSE_ENDS_WITH_PARENT: 'true' } },
  );
  const said: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => said.push(line));
  const ended = once(child, 'close');
  const addresses = await new Promise<Addresses>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('ready ')) resolve(JSON.parse(line.slice('ready '.length)) as Addresses);
    });
    child.once('error', reject);
    child.once('close', () => reject(new Error(`The local system did not start: ${said.join('\n')}`)));
  });
  return {
    ...addresses,
    ...actionsOn(addresses),
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

type Addresses = Pick<RunningLapse, 'api' | 'webhook' | 'klarna' | 'control'>;

const flagsFor = (options: StartLapseOptions): readonly string[] => [
  ...(options.connected === false ? ['--unconnected'] : []),
  ...Object.entries({
    port: '0',
    'webhook-port': '0',
    'klarna-port': '0',
    scenario: 'none',
    accounts: options.accountsFile,
    'signing-keys': options.signingKeysFile,
    credentials: options.credentialsFile,
    data: options.dataDirectory,
    'klarna-url': options.klarnaUrl,
    timers: options.timers,
    'page-origins': options.pageOrigins?.join(','),
  }).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value])),
];

function actionsOn({
  klarna,
  control,
}: Addresses): Pick<RunningLapse, 'createPaymentRequest' | 'customer' | 'passTime' | 'events'> {
  const simulated = `${klarna}/_simulator/payment-requests`;
  return {
    async createPaymentRequest() {
      const created = await post(simulated, { announce: true });
      return String((JSON.parse(created) as Readonly<Record<string, unknown>>)['payment_request_id']);
    },
    async customer(paymentRequestId, action) {
      await post(`${simulated}/${paymentRequestId}/${action}`, {});
    },
    async passTime(milliseconds) {
      await post(`${control}/clock`, { advanceMs: milliseconds });
    },
    async events() {
      const text = await (await fetch(`${control}/events`)).text();
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    },
  };
}

/** Sends JSON and returns the response's text. Throws with it where the status is not 2xx. */
async function post(url: string, body: unknown): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`POST ${url} returned ${response.status}: ${text}`);
  return text;
}
