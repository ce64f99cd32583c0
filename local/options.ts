import { parseArgs } from 'node:util';

/** What `npm start` was asked for. */
export interface LocalOptions {
  /** Ports; 0 takes a free one. */
  readonly port: number;
  readonly webhookPort: number;
  readonly klarnaPort: number;
  /** The page's; undefined takes the usual one, or a free one if somebody has that. */
  readonly pagePort: number | undefined;
  /** Takes the place of the simulator. */
  readonly klarnaUrl: string | undefined;
  /** Files in the format of the two secrets; read anew whenever a function asks for the secret. */
  readonly accountsFile: string | undefined;
  readonly signingKeysFile: string | undefined;
  /** Where everything is kept; without it, in a folder that goes at the end. */
  readonly dataDirectory: string | undefined;
  readonly scenario: 'demo' | 'none';
  /** Who ends sessions at their deadline: a schedule each with the sweep behind it, or the sweep alone. */
  readonly timers: 'scheduler' | 'sweep';
}

export const usage = `npm start -- [options]

  --port 4000             the HTTP API's port; 0 takes a free one
  --webhook-port 4001     the port of the Lambda URL that Klarna's webhooks come to
  --klarna-port 4002      the Klarna simulator's port
  --page-port 4080        the port of the page to look at; unless it is given, another one if this is taken
  --klarna-url URL        another Klarna in place of the simulator
  --accounts FILE         the secret accounts, as JSON
  --signing-keys FILE     the secret signing-keys, as JSON
  --data DIR              keeps the data there; without it they go at the end
  --scenario demo|none    plays the demonstration first (demo), or only serves (none)
  --timers WHO            ends sessions: a schedule for each (scheduler), or the sweep alone (sweep)`;

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
      data: { type: 'string' },
      scenario: { type: 'string', default: 'demo' },
      timers: { type: 'string', default: 'scheduler' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  return {
    port: portOf('--port', values.port),
    webhookPort: portOf('--webhook-port', values['webhook-port']),
    klarnaPort: portOf('--klarna-port', values['klarna-port']),
    pagePort: values['page-port'] === undefined ? undefined : portOf('--page-port', values['page-port']),
    klarnaUrl: urlOf('--klarna-url', values['klarna-url']),
    accountsFile: values.accounts,
    signingKeysFile: values['signing-keys'],
    dataDirectory: values.data,
    scenario: scenarioOf(values.scenario),
    timers: timersOf(values.timers),
  };
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
