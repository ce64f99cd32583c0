import { readFile } from 'node:fs/promises';
import type { CommandContext, Open } from './command-context.ts';
import type { Program } from './common-options.ts';

import { UsageError } from './usage-error.ts';
import type { GivenHeaders } from './webhooks/captured-delivery.ts';

/** Adds `lapse webhooks`. */
export function addWebhooksCommands(program: Program, open: Open): void {
  const webhooks = program.command('webhooks').description("Klarna's webhooks: subscriptions and signatures");
  webhooks
    .command('list')
    .description('list the subscriptions of a credential at Klarna')
    .requiredOption('--credential <name>', credentialHelp)
    .addHelpText('after', '\nExample:\n  lapse webhooks list --credential acquirer')
    .action(async ({ credential }) => {
      const context = open();
      const { openCredential } = await import('./connect/open-connection.ts');
      const { listWebhooks } = await import('./webhooks/manage-webhooks.ts');
      await context.print.table(
        await listWebhooks(await openCredential(context, credential)),
        'Klarna has no webhooks.',
      );
    });
  webhooks
    .command('test')
    .description('let Klarna send a test delivery, and wait until it arrives')
    .requiredOption('--credential <name>', credentialHelp)
    .addHelpText('after', '\nExample:\n  lapse webhooks test --credential acquirer')
    .action(async ({ credential }) => {
      const context = open();
      const { openCredential } = await import('./connect/open-connection.ts');
      const { testWebhook } = await import('./webhooks/manage-webhooks.ts');
      if (!(await testWebhook(await openCredential(context, credential)))) context.fail();
    });
  for (const [name, status, description] of [
    ['pause', 'DISABLED', 'disable the subscription at Klarna: no webhook is sent, and none is sent later'],
    ['resume', 'ENABLED', 'enable the subscription at Klarna'],
  ] as const) {
    webhooks
      .command(name)
      .description(description)
      .requiredOption('--credential <name>', credentialHelp)
      .addHelpText('after', `\nExample:\n  lapse webhooks ${name} --credential acquirer`)
      .action(async ({ credential }) => {
        const context = open();
        const { openCredential } = await import('./connect/open-connection.ts');
        const { setStatus } = await import('./webhooks/manage-webhooks.ts');
        await setStatus(await openCredential(context, credential), status, context.confirm);
      });
  }
  webhooks
    .command('verify')
    .description('say why the signature of a webhook does not hold')
    .argument(
      '<file>',
      'the body as it arrived, an HTTP message with its headers, or an event of the function',
    )
    .option('--signature <hex>', 'the header Klarna-Signature, where the file has the body only')
    .option('--signing-key-id <id>', 'the header Klarna-Signing-Key-Id, likewise')
    .addHelpText('after', verifyHelp)
    .action((file, given) => verifyFile(open(), file, given));
}

/** Says what is wrong with the signature of a captured delivery. */
async function verifyFile(context: CommandContext, file: string, given: GivenHeaders): Promise<void> {
  const bytes = await readFile(file).catch(() => {
    throw new UsageError(`${file} cannot be read.`);
  });
  const { deliveryIn } = await import('./webhooks/captured-delivery.ts');
  const { explainSignature } = await import('./webhooks/explain-signature.ts');
  const { readSigningKeys } = await import('./webhooks/manage-webhooks.ts');
  const delivery = deliveryIn(bytes, given);
  const finding = explainSignature(delivery, await readSigningKeys(context));
  context.print.result({ result: finding.result, text: finding.text }, finding.text);
  if (finding.result !== 'valid') context.fail();
}

const credentialHelp = 'the name of the credential';

const verifyHelp = `
Examples:
  lapse webhooks verify request.txt
  lapse webhooks verify body.json --signature 118949e1… --signing-key-id krn:partner:global:notification:signing-key:…`;
