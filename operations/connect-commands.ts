import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { Option } from '@commander-js/extra-typings';
import type { CommandContext, Open } from './command-context.ts';
import type { Program } from './common-options.ts';
import { UsageError } from './usage-error.ts';

/** Klarna's id of an account. */
const krnPattern = /^krn:[A-Za-z0-9:_-]{1,200}$/;

/** Adds `lapse connect` and `lapse disconnect`. */
export function addConnectCommands(program: Program, open: Open): void {
  program
    .command('connect')
    .description('connect a credential with Klarna: API key, signing key, webhook, secrets')
    .requiredOption('--credential <name>', 'the name of the credential: lower-case letters, digits, hyphens')
    .addOption(
      new Option('--env <environment>', "Klarna's environment")
        .choices(['test', 'live'])
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--acquirer-account <krn>', "the acquiring partner's own account at Klarna").conflicts(
        'partnerAccount',
      ),
    )
    .option('--partner-account <krn>', 'the account at Klarna that has this API key for itself')
    .option('--username <name>', 'the user name that goes with the API key, if Klarna gave one')
    .option('--certificate <file>', 'a client certificate in PEM, with --key')
    .option('--key <file>', 'its private key in PEM')
    .option('--key-fd <number>', 'the file descriptor that has the API key, instead of standard input')
    .addHelpText('after', connectHelp)
    .action(async (given) => {
      const context = open();
      const { env, credential, acquirerAccount, partnerAccount, username } = given;
      for (const [name, krn] of Object.entries({ acquirerAccount, partnerAccount })) checkKrn(name, krn);
      const identity = await identityOf(given.certificate, given.key);
      const { openConnection } = await import('./connect/open-connection.ts');
      const { connect } = await import('./connect/connect.ts');
      const connection = await openConnection(context, credential);
      const isConnected = await connection.editor.exists(connection.credentialSecret);
      const isWell = await connect(connection, {
        environment: env,
        acquirerAccountId: acquirerAccount,
        partnerAccountId: partnerAccount,
        username,
        identity,
        apiKey: await readApiKey(context, given.keyFd, isConnected),
        confirm: context.confirm,
      });
      if (!isWell) context.fail();
      else context.print.say(context.isDryRun ? 'Nothing was changed.' : `Connected. Next: npx lapse doctor`);
    });
  program
    .command('disconnect')
    .description('take a credential out: its webhook and signing keys at Klarna, and the entries')
    .requiredOption('--credential <name>', 'the name of the credential')
    .option('--leave-klarna', 'change nothing at Klarna, which no longer accepts the API key')
    .addHelpText('after', '\nExample:\n  lapse disconnect --credential acquirer --dry-run')
    .action(async ({ credential, leaveKlarna = false }) => {
      const context = open();
      const { openConnection } = await import('./connect/open-connection.ts');
      const { disconnect } = await import('./connect/disconnect.ts');
      await disconnect(await openConnection(context, credential), {
        leavesKlarna: leaveKlarna,
        confirm: context.confirm,
      });
    });
}

const connectHelp = `
The API key is read from standard input, or from a file descriptor. It is never an option, so no shell history and no
list of processes has it.

Examples:
  lapse connect --credential acquirer --env test --acquirer-account krn:partner:global:account:test:M4ACQUIRER
  lapse connect --credential shop-se --env live --partner-account krn:partner:global:account:live:M48JWZF8 --key-fd 3 3<key.txt`;

function checkKrn(name: string, krn: string | undefined): void {
  if (krn === undefined || krnPattern.test(krn)) return;
  const option = name === 'acquirerAccount' ? '--acquirer-account' : '--partner-account';
  throw new UsageError(
    `${option} is not an account id of Klarna; allowed: an id such as krn:partner:global:account:test:M48JWZF8.`,
  );
}

/** Reads the API key from a file descriptor, or from standard input. Undefined: none is given. */
async function readApiKey(
  { terminal }: CommandContext,
  descriptor: string | undefined,
  isConnected: boolean,
): Promise<string | undefined> {
  if (descriptor === undefined)
    return terminal.readSecret(
      isConnected ? 'API key of Klarna (empty: the one that the secret has): ' : 'API key of Klarna: ',
    );
  if (!/^\d{1,5}$/.test(descriptor))
    throw new UsageError('--key-fd is not a number; allowed: an open file descriptor, such as 3.');
  try {
    const given = await text(createReadStream('', { fd: Number(descriptor), autoClose: false }));
    return given.trim() === '' ? undefined : given.trim();
  } catch {
    throw new UsageError(`--key-fd is ${descriptor}; allowed: a file descriptor that is open for reading.`);
  }
}

/** Reads a certificate and its key. @throws {UsageError} where one is missing or they do not belong together */
async function identityOf(certificateFile: string | undefined, keyFile: string | undefined) {
  if (certificateFile === undefined && keyFile === undefined) return undefined;
  if (certificateFile === undefined || keyFile === undefined)
    throw new UsageError('--certificate and --key go together: one of them is missing.');
  const [certificate, key] = await Promise.all([
    readPem('--certificate', certificateFile),
    readPem('--key', keyFile),
  ]);
  const { identityViolation, pemCertificate, pemKey } =
    await import('../functions/adapters/secrets/secret-fields.ts');
  const { is } = await import('valibot');
  if (!is(pemCertificate, certificate))
    throw new UsageError('--certificate is a file without a certificate in PEM.');
  if (!is(pemKey, key)) throw new UsageError('--key is a file without an unencrypted private key in PEM.');
  const violation = identityViolation(certificate, key);
  if (violation !== undefined) throw new UsageError(`${violation}.`);
  return { certificate, key };
}

async function readPem(option: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new UsageError(`${option} is a file that cannot be read.`);
  }
}
