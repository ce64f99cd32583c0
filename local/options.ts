import { parseArgs } from 'node:util';

/** The options of `npm start`. */
export interface LocalOptions {
  /** Ports; 0 takes a free one. */
  readonly port: number;
  readonly webhookPort: number;
  readonly klarnaPort: number;
  /** The port of the page; undefined takes the preferred one, or a free one where it is in use. */
  readonly pagePort: number | undefined;
  /** Replaces the simulator. */
  readonly klarnaUrl: string | undefined;
  /** Files in the format of the two secrets, read again whenever a function reads the secret. */
  readonly accountsFile: string | undefined;
  readonly signingKeysFile: string | undefined;
  /** A file with the secret of each credential, by name, read again likewise. */
  readonly credentialsFile: string | undefined;
  /** The data folder; without it, a temporary one that is removed at the end. */
  readonly dataDirectory: string | undefined;
  /** Whether Klarna and the secrets know each other from the start. False: all secrets are empty, and nothing is subscribed. */
  readonly connected: boolean;
  readonly scenario: 'demo' | 'none';
  /** Whether the demonstration prints each step of each session, also on a terminal. */
  readonly verbose: boolean;
  /** Origins of pages that may read a session with a page token. */
  readonly pageOrigins: readonly string[];
  /** What ends sessions at their deadline: one schedule each, backed by the sweep; or the sweep alone. */
  readonly timers: 'scheduler' | 'sweep';
}

export const usage = `npm start -- [options], or npx lapse-local [options]

  --port 4000             port of the HTTP API; 0 takes a free one. The control address has the first port
                          after it that no other option names: 4003
  --webhook-port 4001     port of the Lambda URL that receives Klarna's webhooks
  --klarna-port 4002      port of the Klarna simulator
  --page-port 4080        port of the page; by default, a free one where 4080 is in use
  --klarna-url URL        address of another Klarna to use instead of the simulator
  --accounts FILE         the secret "accounts", as JSON
  --signing-keys FILE     the secret "signing-keys", as JSON
  --credentials FILE      the secrets of credentials, as one JSON object by name
  --unconnected           begin as a new deployment does: empty secrets, and no webhook at Klarna
  --data DIR              keep the data in this folder; without it they are deleted at the end
  --scenario demo|none    play the demonstration first (demo), or only serve (none)
  --verbose               print each step of the demonstration, instead of one line for each session
  --page-origins LIST     origins of pages that may read a session with a page token, separated by commas;
                          by default http://localhost:3000,http://localhost:5173
  --timers WHO            end sessions by a schedule each (scheduler), or by the sweep alone (sweep)`;

/** Reads the command line. Throws one sentence that says what was given and what is allowed. */
export function parseOptions(commandLine: readonly string[]): LocalOptions | 'help' {
  const { values } = parseArgs({
    args: [...commandLine],
    options: {
      port: { type: 'string', default: '4000' },
      'webhook-port': { type: 'string', default: '4001' },
      'klarna-port': { type: 'string', default: '4002' },
      'page-port': { type: 'string' },
      'klarna-url': { type: 'string' },
      accounts: { type: 'string' },
      'signing-keys': { type: 'string' },
      credentials: { type: 'string' },
      data: { type: 'string' },
      unconnected: { type: 'boolean', default: false },
      scenario: { type: 'string' },
      timers: { type: 'string', default: 'scheduler' },
      'page-origins': { type: 'string', default: 'http://localhost:3000,http://localhost:5173' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const { unconnected } = values;
  if (unconnected) refuseBeside(values);
  return {
    port: portOf('--port', values.port),
    webhookPort: portOf('--webhook-port', values['webhook-port']),
    klarnaPort: portOf('--klarna-port', values['klarna-port']),
    pagePort: values['page-port'] === undefined ? undefined : portOf('--page-port', values['page-port']),
    klarnaUrl: urlOf('--klarna-url', values['klarna-url']),
    accountsFile: values.accounts,
    signingKeysFile: values['signing-keys'],
    credentialsFile: values.credentials,
    dataDirectory: values.data,
    connected: !unconnected,
    scenario: scenarioOf(values.scenario ?? (unconnected ? 'none' : 'demo')),
    verbose: values.verbose,
    pageOrigins: originsOf(values['page-origins']),
    timers: timersOf(values.timers),
  };
}

/** What `--unconnected` leaves empty cannot be given, and the demonstration needs it. */
function refuseBeside(values: Readonly<Record<string, unknown>>): void {
  const given = ['accounts', 'signing-keys', 'credentials', 'klarna-url'].find(
    (name) => values[name] !== undefined,
  );
  if (given !== undefined) throw new Error(`--${given} is given; allowed with --unconnected: none.`);
  if (values['scenario'] === 'demo') throw new Error('--scenario is demo; allowed with --unconnected: none.');
}

function portOf(flag: string, given: string): number {
  const port = Number(given);
  if (!/^\d{1,5}$/.test(given) || port > 65_535) throw new Error(`${flag} is ${given}; allowed: 0 to 65535.`);
  return port;
}

function urlOf(flag: string, given: string | undefined): string | undefined {
  if (given === undefined) return undefined;
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    throw new Error(`${flag} is ${given}; allowed: an http or https URL.`);
  }
  return given;
}

function originsOf(given: string): readonly string[] {
  const origins = given.split(',');
  if (origins.every((origin) => URL.canParse(origin) && new URL(origin).origin === origin)) return origins;
  throw new Error(
    `--page-origins is ${given}; allowed: origins such as http://localhost:3000, separated by commas.`,
  );
}

function scenarioOf(given: string): LocalOptions['scenario'] {
  if (given !== 'demo' && given !== 'none') throw new Error(`--scenario is ${given}; allowed: demo or none.`);
  return given;
}

function timersOf(given: string): LocalOptions['timers'] {
  if (given !== 'scheduler' && given !== 'sweep') {
    throw new Error(`--timers is ${given}; allowed: scheduler or sweep.`);
  }
  return given;
}
