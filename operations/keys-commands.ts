import type { Open } from './command-context.ts';
import type { Program } from './common-options.ts';

/** Adds `lapse keys`. */
export function addKeysCommands(program: Program, open: Open): void {
  const keys = program.command('keys').description('signing keys and API keys at Klarna');
  const rotate = keys.command('rotate').description('replace a key; run again to finish');
  rotate
    .command('signing')
    .description('replace the signing key of a credential, without a refused webhook')
    .requiredOption('--credential <name>', credentialHelp)
    .addHelpText('after', '\nExample:\n  lapse keys rotate signing --credential acquirer')
    .action(async ({ credential }) => {
      const context = open();
      const { openCredential } = await import('./connect/open-connection.ts');
      const { rotateSigningKey } = await import('./connect/rotate-signing-key.ts');
      const { connection, klarna } = await openCredential(context, credential);
      await rotateSigningKey(connection, klarna, context.confirm);
    });
  rotate
    .command('api')
    .description('replace the API key of a credential')
    .requiredOption('--credential <name>', credentialHelp)
    .option('--key-id <id>', "Klarna's id of the API key that is in use, where the secret does not have it")
    .addHelpText('after', '\nExample:\n  lapse keys rotate api --credential acquirer')
    .action(async ({ credential, keyId }) => {
      const context = open();
      const { openCredential } = await import('./connect/open-connection.ts');
      const { rotateApiKey } = await import('./connect/rotate-api-key.ts');
      const { connection, entry } = await openCredential(context, credential);
      await rotateApiKey(connection, entry, { keyId, confirm: context.confirm });
    });
  keys
    .command('status')
    .description('show the keys of a credential, here and at Klarna')
    .requiredOption('--credential <name>', credentialHelp)
    .addHelpText('after', '\nExample:\n  lapse keys status --credential acquirer --json')
    .action(async ({ credential }) => {
      const context = open();
      const { openCredential } = await import('./connect/open-connection.ts');
      const { statusOfKeys } = await import('./connect/status-of-keys.ts');
      const { rows, problems } = await statusOfKeys(await openCredential(context, credential));
      await context.print.table(rows, 'There are no keys.');
      for (const problem of problems) context.print.say(problem);
      if (problems.length > 0) context.fail();
    });
}

const credentialHelp = 'the name of the credential';
