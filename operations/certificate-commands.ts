import { parseInstant } from '../functions/domain/instant.ts';
import type { Open } from './command-context.ts';
import type { Program } from './common-options.ts';
import { UsageError } from './usage-error.ts';

/** Adds `lapse certificate`. */
export function addCertificateCommands(program: Program, open: Open): void {
  const certificate = program.command('certificate').description('the client certificate of a credential');
  certificate
    .command('new')
    .description('make a key in memory, let Klarna sign a certificate, and store both')
    .requiredOption('--credential <name>', credentialHelp)
    .addHelpText('after', '\nExample:\n  lapse certificate new --credential acquirer')
    .action(async ({ credential }) => {
      const context = open();
      const { openCredential } = await import('./connect/open-connection.ts');
      const { newCertificate } = await import('./connect/certificate.ts');
      const { connection, entry } = await openCredential(context, credential);
      await newCertificate(connection, entry, context.confirm);
    });
  certificate
    .command('status')
    .description('show when it expires, and whether Klarna accepts and requires it')
    .requiredOption('--credential <name>', credentialHelp)
    .addHelpText('after', '\nExample:\n  lapse certificate status --credential acquirer')
    .action(async ({ credential }) => {
      const context = open();
      const { openCredential } = await import('./connect/open-connection.ts');
      const { certificateReport } = await import('./connect/certificate.ts');
      const { connection, entry } = await openCredential(context, credential);
      const { stored, report, enforcedFrom } = await certificateReport(connection, entry);
      const row = {
        credential: connection.credential,
        subject: stored?.subject,
        expires_at: stored?.expiresAt,
        days_left: stored?.daysLeft,
        at_klarna: report.certificate,
        enforced_from: enforcedFrom,
      };
      await context.print.table([row], '');
      const isRequired = enforcedFrom !== undefined;
      const isBad = report.certificate === 'INVALID' || (isRequired && report.certificate === 'NOT_PRESENT');
      if (isBad || report.status !== 200 || (stored && stored.daysLeft <= 0)) context.fail();
    });
  certificate
    .command('enforce')
    .description('require a client certificate of the account at Klarna')
    .requiredOption('--credential <name>', credentialHelp)
    .option('--from <time>', 'a time within three months, in RFC 3339, or NOW', 'NOW')
    .addHelpText(
      'after',
      '\nExample:\n  lapse certificate enforce --credential acquirer --from 2027-01-31T06:00:00Z',
    )
    .action(async ({ credential, from }) => {
      const context = open();
      if (from !== 'NOW' && parseInstant(from) === undefined)
        throw new UsageError(`--from is ${from}; allowed: NOW, or a time such as 2027-01-31T06:00:00Z.`);
      const { openCredential } = await import('./connect/open-connection.ts');
      const { enforceCertificate } = await import('./connect/certificate.ts');
      const { connection, entry } = await openCredential(context, credential);
      await enforceCertificate(connection, entry, { from, confirm: context.confirm });
    });
}

const credentialHelp = 'the name of the credential';
