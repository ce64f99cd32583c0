import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { readJson } from '../../functions/contract/read-json.ts';
import { defaultAccounts, defaultSigningKeys } from './default-secrets.ts';
import type { ConfigurationInput } from '../klarna-simulator/configuration.ts';
import { isJsonObject, type JsonObject } from '../shared/json-object.ts';
import { allowedBy } from '../shared/checked-json.ts';
import type { LocalOptions } from '../options.ts';

/** The fields that the local system itself reads; the functions check the rest. */
const accountsSchema = v.record(
  v.string(),
  v.looseObject({
    api_key: v.string(),
    username: v.optional(v.string()),
    partner_account_id: v.optional(v.string()),
  }),
);

const signingKeysSchema = v.record(
  v.string(),
  v.looseObject({
    key: v.string(),
    recipient_account_id: v.optional(v.string()),
    webhook_id: v.optional(v.string()),
    live: v.optional(v.boolean()),
    accounts: v.record(v.string(), v.string()),
  }),
);

/** The two secrets by purpose. Each is read again whenever a function asks, so a change of the file applies at once. */
export interface SecretFiles {
  readonly accounts: () => string;
  readonly 'signing-keys': () => string;
  /** What Klarna knows about these accounts and keys. */
  klarnaConfiguration(webhookUrl: string): ConfigurationInput;
}

/** Reads and checks both files. Throws a sentence that names the file and the field, and never quotes a value. */
export function openSecretFiles(
  options: Pick<LocalOptions, 'accountsFile' | 'signingKeysFile'>,
): SecretFiles {
  const { accountsFile, signingKeysFile } = options;
  const accounts = source(accountsFile, defaultAccounts);
  const signingKeys = source(signingKeysFile, defaultSigningKeys);
  const knownAccounts = check('--accounts', accountsFile, accounts, accountsSchema);
  const knownKeys = check('--signing-keys', signingKeysFile, signingKeys, signingKeysSchema);
  return {
    accounts,
    'signing-keys': signingKeys,
    klarnaConfiguration: (webhookUrl) => ({
      apiKeys: apiKeysOf(knownAccounts),
      signingKeys: Object.fromEntries(Object.entries(knownKeys).map(([id, { key }]) => [id, key])),
      webhooks: webhooksOf(knownKeys, webhookUrl),
    }),
  };
}

const source =
  (file: string | undefined, preset: object): (() => string) =>
  () =>
    file === undefined ? JSON.stringify(preset) : readFileSync(file, 'utf8');

function check<Schema extends v.GenericSchema>(
  flag: string,
  file: string | undefined,
  read: () => string,
  schema: Schema,
): v.InferOutput<Schema> {
  let text: string;
  try {
    text = read();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new Error(`${flag} ${file ?? ''} cannot be read (${code}).`, { cause: error });
  }
  const parsed = v.safeParse(schema, objectIn(text));
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const field = v.getDotPath(issue);
  const violation =
    field === null
      ? 'the file is not valid; allowed: a JSON object'
      : issue.input === undefined
        ? `${field} is missing`
        : `${field} is not valid; allowed: ${allowedBy(issue)}`;
  throw new Error(`${flag} ${file ?? ''}: ${violation} (docs/reference/configuration.md has the format).`);
}

/** The JSON object in a text, if there is one. The parser's own message would quote the secret. */
const objectIn = (text: string): JsonObject | undefined => {
  const value = readJson(text);
  return isJsonObject(value) ? value : undefined;
};

/** An API key that two accounts share is not bound to a partner account. */
function apiKeysOf(
  accounts: v.InferOutput<typeof accountsSchema>,
): NonNullable<ConfigurationInput['apiKeys']> {
  const owners = Map.groupBy(Object.values(accounts), ({ api_key }) => api_key);
  return Object.fromEntries(
    [...owners].map(([apiKey, [owner, another]]) => [
      apiKey,
      another || !owner
        ? {}
        : {
            ...(owner.partner_account_id !== undefined && { partner_account_id: owner.partner_account_id }),
            ...(owner.username !== undefined && { username: owner.username }),
          },
    ]),
  );
}

/** One webhook for each set of accounts. While one key replaces another, the first of the two signs. */
function webhooksOf(
  signingKeys: v.InferOutput<typeof signingKeysSchema>,
  url: string,
): NonNullable<ConfigurationInput['webhooks']> {
  const bySubjects = Map.groupBy(Object.entries(signingKeys), ([, { accounts }]) =>
    Object.keys(accounts).toSorted().join(' '),
  );
  return [...bySubjects.values()].flatMap(([first]) => {
    if (!first) return [];
    const [id, { accounts, live, webhook_id, recipient_account_id }] = first;
    const [subject] = Object.keys(accounts);
    return {
      url,
      signing_key_id: id,
      partner_account_ids: Object.keys(accounts),
      ...(subject !== undefined && { subject_account_id: subject }),
      ...(live !== undefined && { live }),
      ...(webhook_id !== undefined && { webhook_id }),
      ...(recipient_account_id !== undefined && { recipient_account_id }),
    };
  });
}
