import { readFile } from 'node:fs/promises';
import { Option } from '@commander-js/extra-typings';
import { readJson } from '../functions/contract/read-json.ts';
import { changed, fieldsIn } from './accounts/account-fields.ts';
import {
  type PlannedChange,
  planEntries,
  planRemoval,
  planReplacement,
  planSettings,
} from './accounts/edit-account.ts';
import { openAccounts } from './accounts/open-accounts.ts';
import type { CommandContext, Open } from './command-context.ts';
import type { Program } from './common-options.ts';
import type { Row } from './printer.ts';
import { checkedAccount } from './request-name.ts';
import { type Entries, isEntries } from './secrets/secret-diff.ts';
import { UsageError } from './usage-error.ts';

const nameHelp = 'the name of the account';
const settingsHelp = 'fields with values, such as observe=true max_session=PT2H; `alias=` takes a field out';

/** Adds `lapse accounts`. */
export function addAccountsCommands(program: Program, open: Open): void {
  const accounts = accountsGroup(program);
  accounts
    .command('list')
    .description('list the entries of the secret accounts, and the connected credentials')
    .addHelpText('after', '\nExample:\n  lapse accounts list --json')
    .action(async () => listAccounts(open()));
  addAddCommand(accounts, open);
  accounts
    .command('set')
    .description('change the settings of an account, in its entry or beside its credential')
    .argument('<name>', nameHelp)
    .argument('<settings...>', settingsHelp)
    .addHelpText(
      'after',
      '\nExample:\n  lapse accounts set m4ciyh2n default_session_timeout=PT20M observe=true',
    )
    .action(async (name, settings) => {
      const context = open();
      const account = checkedAccount(name);
      const changes = fieldsIn(settings);
      await carryOut(context, [await planSettings(await openAccounts(context), account, changes)]);
    });
  accounts
    .command('remove')
    .description('take an account out of the secret, or what it overrides out of the table')
    .argument('<name>', nameHelp)
    .addHelpText('after', '\nExample:\n  lapse accounts remove m4ciyh2n')
    .action(async (name) => {
      const context = open();
      const account = checkedAccount(name);
      await carryOut(context, [await planRemoval(await openAccounts(context), account)]);
    });
  accounts
    .command('import')
    .description('write many accounts: an object from names to settings, or with API keys to entries')
    .argument('<file>', 'a file of JSON; - is standard input, the only place for API keys')
    .addHelpText(
      'after',
      '\nExamples:\n  lapse accounts import settings.json --dry-run\n  lapse accounts import - < accounts.json',
    )
    .action(async (file) => importAccounts(open(), file));
}

const accountsGroup = (program: Program) =>
  program.command('accounts').description('accounts at Klarna: entries, and settings beside a credential');

function addAddCommand(accounts: ReturnType<typeof accountsGroup>, open: Open): void {
  accounts
    .command('add')
    .description('add an entry with an API key of its own, which is read from standard input')
    .argument('<name>', nameHelp)
    .argument('[settings...]', settingsHelp)
    .addOption(
      new Option('--env <environment>', "Klarna's environment")
        .choices(['test', 'live'])
        .makeOptionMandatory(),
    )
    .option('--partner-account <krn>', "the account's id at Klarna, on the path of an acquiring partner")
    .option('--username <name>', 'what goes before the key in HTTP Basic authentication')
    .addHelpText(
      'after',
      `
Example:
  lapse accounts add shop-se --env test < api-key.txt

An account on a credential needs no entry: connect the credential with \`lapse connect\`.`,
    )
    .action(async (name, settings, { env, partnerAccount, username }) => {
      const context = open();
      const account = checkedAccount(name);
      const fields = fieldsIn(settings);
      const editing = await openAccounts(context);
      if (Object.hasOwn(await editing.preview.read(editing.secret), account))
        throw new UsageError(`The account ${account} has an entry. \`lapse accounts set\` changes it.`);
      const apiKey = await context.terminal.readSecret('The API key: ');
      if (apiKey === undefined)
        throw new UsageError('The API key is missing: it is read from standard input.');
      const entry = changed(fields, {
        environment: env,
        api_key: apiKey,
        partner_account_id: partnerAccount,
        username,
      });
      await carryOut(context, [await planEntries(editing, (entries) => ({ ...entries, [account]: entry }))]);
    });
}

async function listAccounts(context: CommandContext): Promise<void> {
  const { accountSearch } = await context.operations();
  const editing = await openAccounts(context);
  const entries = await editing.preview.read(editing.secret);
  const credentials = await accountSearch.credentials();
  const rows: Row[] = [
    ...Object.entries(entries).map(([name, entry]) => rowOfEntry(name, entry)),
    ...credentials.map(({ name, acquirerAccountId, accounts, klarna }) => ({
      name: acquirerAccountId === undefined ? name : (accounts?.join(' ') ?? '*'),
      environment: klarna.environment,
      credential: name,
      partner_account_id: undefined,
      acquirer_account_id: acquirerAccountId,
    })),
  ];
  await context.print.table(rows, 'There are no accounts. `lapse connect` connects a credential.');
}

/** What an entry says that is not secret. A malformed entry is listed, too: `lapse doctor` says what is wrong with it. */
function rowOfEntry(name: string, entry: unknown): Row {
  const { environment, partner_account_id } = isEntries(entry) ? entry : {};
  return {
    name,
    environment: environment === 'test' || environment === 'live' ? environment : undefined,
    credential: undefined,
    partner_account_id:
      typeof partner_account_id === 'string' && partner_account_id.startsWith('krn:')
        ? partner_account_id
        : undefined,
    acquirer_account_id: undefined,
  };
}

async function importAccounts(context: CommandContext, file: string): Promise<void> {
  const given = await accountsIn(context, file);
  const editing = await openAccounts(context);
  const known = await editing.preview.read(editing.secret);
  const [withKeys, others] = [
    given.filter(([, fields]) => 'api_key' in fields),
    given.filter(([, fields]) => !('api_key' in fields)),
  ];
  const inSecret = others.find(([account]) => Object.hasOwn(known, account));
  if (inSecret)
    throw new UsageError(
      `The account ${inSecret[0]} has an entry in the secret accounts; allowed: a whole entry with its API key, or \`lapse accounts set\`.`,
    );
  const changes = withKeys.length > 0 ? [await planEntries(editing, mergedWith(withKeys))] : [];
  for (const [account, fields] of others) changes.push(await planReplacement(editing, account, fields));
  await carryOut(context, changes);
}

type NamedFields = readonly [ReturnType<typeof checkedAccount>, Entries];

const mergedWith =
  (given: readonly NamedFields[]) =>
  (entries: Entries): Entries => ({ ...entries, ...Object.fromEntries(given) });

/** The accounts of a file, checked as far as the file alone allows it. No error repeats a value. */
async function accountsIn(context: CommandContext, file: string): Promise<readonly NamedFields[]> {
  const content =
    file === '-'
      ? await context.terminal.readSecret('Accounts as JSON: ')
      : await readFile(file, 'utf8').catch(() => undefined);
  if (content === undefined)
    throw new UsageError(`${file === '-' ? 'Standard input is empty' : `${file} cannot be read`}.`);
  const value = readJson(content);
  if (!isEntries(value) || !Object.values(value).every(isEntries))
    throw new UsageError(`${file} is not valid; allowed: a JSON object from names to objects.`);
  const accounts = Object.entries(value as Readonly<Record<string, Entries>>).map(
    ([name, fields]) => [checkedAccount(name), fields] as const,
  );
  const secret = accounts.find(([, fields]) => 'api_key' in fields || 'client_key' in fields);
  if (secret && file !== '-')
    throw new UsageError(
      `The account ${secret[0]} has a secret in a file; allowed: on standard input, with - instead of the file. Delete the file.`,
    );
  return accounts;
}

/** Shows what would change, asks, and changes it. */
async function carryOut(context: CommandContext, changes: readonly PlannedChange[]): Promise<void> {
  const { print, isDryRun, confirm } = context;
  const lines = changes.flatMap(({ diff }) => diff);
  for (const line of lines) print.result({ change: line }, line);
  if (lines.length === 0) {
    print.say('Nothing changes.');
    return;
  }
  if (isDryRun) {
    print.say('Nothing was written.');
    return;
  }
  if (!(await confirm(lines.length === 1 ? 'Write this?' : `Write these ${lines.length} changes?`))) {
    print.say('Nothing was done.');
    return;
  }
  for (const change of changes) if (change.diff.length > 0) await change.make();
  print.say('Written. Functions use it within the time of their cache, about a minute.');
}
