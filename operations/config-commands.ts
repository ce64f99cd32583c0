import { readFile } from 'node:fs/promises';
import { Option } from '@commander-js/extra-typings';
import { readJson } from '../functions/contract/read-json.ts';
import { ConfigurationError } from '../functions/domain/configuration-error.ts';
import type { CommandContext, Open } from './command-context.ts';
import type { Program } from './common-options.ts';
import { type Entries, isEntries } from './secrets/secret-diff.ts';
import { UsageError } from './usage-error.ts';

const kinds = ['accounts', 'signing-keys', 'credential'] as const;
type Kind = (typeof kinds)[number];

/** Adds `lapse config`. */
export function addConfigCommands(program: Program, open: Open): void {
  program
    .command('config')
    .description('the values of secrets, before they are written')
    .command('validate')
    .description('check the value of a secret as strictly as the functions do')
    .argument('<file>', 'a file of JSON; - is standard input')
    .addOption(new Option('--kind <kind>', 'which secret; default: what its fields say').choices(kinds))
    .addHelpText(
      'after',
      `
Examples:
  lapse config validate - < signing-keys.json
  aws secretsmanager get-secret-value --secret-id NAME --query SecretString --output text | lapse config validate -

It calls nothing, and prints no value.`,
    )
    .action(async (file, { kind }) => {
      const context = open();
      await validate(context, { file, entries: await entriesIn(context, file), kind });
    });
}

async function entriesIn({ terminal }: CommandContext, file: string): Promise<Entries> {
  const content =
    file === '-'
      ? await terminal.readSecret('The value: ')
      : await readFile(file, 'utf8').catch(() => undefined);
  if (content === undefined)
    throw new UsageError(file === '-' ? 'Standard input is empty.' : `${file} cannot be read.`);
  const value = readJson(content);
  if (isEntries(value)) return value;
  throw new UsageError(`${file} is not valid; allowed: a JSON object.`);
}

interface Given {
  readonly file: string;
  readonly entries: Entries;
  readonly kind: Kind | undefined;
}

async function validate({ print, fail }: CommandContext, { file, entries, kind }: Given): Promise<void> {
  const { accountsKind, credentialKind, signingKeysKind } = await import('./secrets/secret-kinds.ts');
  const found = kind ?? kindOf(entries);
  const checked = {
    accounts: accountsKind,
    'signing-keys': signingKeysKind,
    credential: credentialKind('value'),
  }[found];
  try {
    checked.check(entries);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    print.result({ file, kind: found, valid: false, violation: error.message }, error.message);
    fail();
    return;
  }
  const what = found === 'credential' ? 'a credential' : `${Object.keys(entries).length} entries of ${found}`;
  print.result({ file, kind: found, valid: true }, `Valid: ${what}.`);
}

/** Signing keys have a `key`, and a credential is not an object of entries. */
function kindOf(entries: Entries): Kind {
  if ('environment' in entries || 'api_key' in entries) return 'credential';
  return Object.values(entries).some((entry) => isEntries(entry) && 'key' in entry)
    ? 'signing-keys'
    : 'accounts';
}
