import { defaultAccounts, defaultApiKeys, defaultSigningKeys } from '../local/secrets/default-secrets.ts';
import { linesToTry, playDemo } from '../local/demo/demo.ts';
import { type LocalSystem, startLocalSystem } from '../local/local-system.ts';
import { type LocalOptions, parseOptions, usage } from '../local/options.ts';
import { showProgress } from '../local/progress.ts';

const running = new AsyncDisposableStack();
const progress = showProgress((text) => process.stderr.write(text));
let ending: Promise<void> | undefined;

/** Ends everything once, however often it is called. */
function end(exitCode: number): void {
  ending ??= running
    .disposeAsync()
    .catch((error: unknown) => console.error(sentenceOf(error)))
    .then(() => process.exit(exitCode));
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end(0));
endWithParent();

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') {
    console.log(usage);
  } else {
    const system = await startLocalSystem(options, running, progress.begin);
    progress.end();
    const { api, webhook, klarna, control } = system;
    console.log(addressLines(system, options).join('\n'));
    console.log(`ready ${JSON.stringify({ api, webhook, klarna, control })}`);
    if (options.scenario === 'demo') await showDemo(system, options);
    console.log(`Lapse runs until Ctrl-C. Its page: ${system.page}`);
  }
} catch (error) {
  if (!ending) {
    progress.end();
    console.error(sentenceOf(error));
    end(1);
  }
}

function addressLines(
  system: LocalSystem,
  { accountsFile, signingKeysFile, dataDirectory, connected }: LocalOptions,
) {
  return [
    `  API        ${system.api}/accounts/{account}/payment-requests/{payment_request_id}`,
    `  webhook    ${system.webhook}`,
    `  Klarna     ${system.klarna}`,
    `  control    ${system.control}   GET /events, /schedules, /dead-letters; POST /faults, /sweep`,
    `  log        ${system.logFile}${dataDirectory === undefined ? '   (deleted at the end; --data DIR keeps it)' : ''}`,
    ...(connected
      ? [
          `  accounts      ${accountsFile ?? JSON.stringify(defaultAccounts)}`,
          `  signing keys  ${signingKeysFile ?? JSON.stringify(defaultSigningKeys)}`,
        ]
      : [
          '  At Klarna, not connected yet:',
          `    account   ${defaultAccounts.demo.partner_account_id}`,
          `    API keys  ${Object.values(defaultApiKeys).join(', ')}`,
        ]),
  ];
}

async function showDemo(system: LocalSystem, options: LocalOptions): Promise<void> {
  const { klarnaUrl, accountsFile, verbose } = options;
  if (klarnaUrl !== undefined || accountsFile !== undefined) {
    console.log('The demonstration needs the simulator and the account "demo". Serving only.');
    return;
  }
  const terminal = process.stdout.isTTY && !verbose ? process.stdout : undefined;
  await playDemo(system, (line) => console.log(line), terminal);
  console.log('\nThree lines to try in another shell:\n');
  for (const line of await linesToTry(system)) console.log(`  ${line}\n`);
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Ends with npm, which does not end its scripts when it is killed, and with the tests that `startLapse` runs in. */
function endWithParent(): void {
  const { npm_lifecycle_event: script, LAPSE_ENDS_WITH_PARENT: isOwned } = process.env;
  if (script === undefined && isOwned === undefined) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) end(0);
  }, 500).unref();
}
