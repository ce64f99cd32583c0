import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { recordOf } from '../../functions/contract/record-of.ts';
import { readJson } from '../../functions/contract/read-json.ts';
import { defaultAccounts, defaultApiKeys, defaultSigningKeys, emptyCredential } from './default-secrets.ts';
import type { ConfigurationInput } from '../klarna-simulator/configuration.ts';
import { isJsonObject, type JsonObject } from '../shared/json-object.ts';
import { allowedBy } from '../shared/checked-json.ts';
import type { LocalOptions } from '../options.ts';

/** The fields that the local system itself reads; the functions check the rest. */
const accountsSchema = recordOf(
  v.string(),
  v.looseObject({
    api_key: v.string(),
    username: v.optional(v.string()),
    partner_account_id: v.optional(v.string()),
  }),
);

const signingKeysSchema = recordOf(
  v.string(),
  v.looseObject({
    key: v.string(),
    recipient_account_id: v.optional(v.string()),
    webhook_id: v.optional(v.string()),
    live: v.optional(v.boolean()),
    accounts: v.optional(recordOf(v.string(), v.string()), {}),
    subjects: v.optional(v.union([v.literal('*'), v.array(v.string())]), []),
  }),
);

const credentialsSchema = recordOf(
  v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,32}$/)),
  v.looseObject({ api_key: v.string(), username: v.optional(v.string()) }),
);

/** The secrets by purpose. Each is read again whenever a function asks, so a change of the file applies at once. */
export interface SecretFiles {
  readonly accounts: () => string;
  readonly 'signing-keys': () => string;
  /** The secret of each credential. A credential that is added to the file needs a restart. */
  readonly credentials: ReadonlyMap<string, () => string>;
  /** What Klarna knows about these accounts and keys. */
  klarnaConfiguration(webhookUrl: string): ConfigurationInput;
}

/** As in a new deployment: every secret is empty. Klarna knows the API keys, and nothing else. */
const unconnected: SecretFiles = {
  accounts: () => '{}',
  'signing-keys': () => '{}',
  credentials: new Map([[emptyCredential, () => '{}']]),
  klarnaConfiguration: () => ({
    apiKeys: Object.fromEntries(Object.values(defaultApiKeys).map((key) => [key, {}])),
  }),
};

/** Reads and checks the files. Throws a sentence that names the file and the field, and never quotes a value. */
export function openSecretFiles(
  options: Pick<LocalOptions, 'accountsFile' | 'signingKeysFile' | 'credentialsFile' | 'connected'>,
): SecretFiles {
  if (!options.connected) return unconnected;
  const { accountsFile, signingKeysFile, credentialsFile } = options;
  const accounts = source(accountsFile, defaultAccounts);
  const signingKeys = source(signingKeysFile, defaultSigningKeys);
  const credentials = source(credentialsFile, {});
  const knownCredentials = check('--credentials', credentialsFile, credentials, credentialsSchema);
  const knownAccounts = check('--accounts', accountsFile, accounts, accountsSchema);
  const knownKeys = check('--signing-keys', signingKeysFile, signingKeys, signingKeysSchema);
  return {
    accounts,
    'signing-keys': signingKeys,
    credentials: new Map(
      Object.keys(knownCredentials).map((name) => [
        name,
        () => JSON.stringify(objectIn(credentials())?.[name] ?? {}),
      ]),
    ),
    klarnaConfiguration: (webhookUrl) => ({
      apiKeys: { ...apiKeysOf(knownAccounts), ...apiKeysOfCredentials(knownCredentials) },
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

/** The API key of a credential acts for every partner account. */
const apiKeysOfCredentials = (
  credentials: v.InferOutput<typeof credentialsSchema>,
): NonNullable<ConfigurationInput['apiKeys']> =>
  Object.fromEntries(
    Object.values(credentials).map(({ api_key, username }) => [
      api_key,
      { ...(username !== undefined && { username }) },
    ]),
  );

/** One webhook for each set of accounts. While one key replaces another, the first of the two signs. */
function webhooksOf(
  signingKeys: v.InferOutput<typeof signingKeysSchema>,
  url: string,
): NonNullable<ConfigurationInput['webhooks']> {
  const bySubjects = Map.groupBy(Object.entries(signingKeys), ([, key]) => subjectsOf(key).join(' '));
  return [...bySubjects.values()].flatMap(([first]) => {
    if (!first) return [];
    const [id, key] = first;
    const { live, webhook_id, recipient_account_id } = key;
    const subjects = subjectsOf(key);
    const isForAll = key.subjects === '*';
    const [subject] = subjects;
    return {
      url,
      signing_key_id: id,
      // A key without accounts of its own is the acquiring partner's, who hears of new partners too.
      ...(key.subjects.length > 0 && { event_types: ['payment.*', 'partner.account.*'] }),
      ...(!isForAll && { partner_account_ids: subjects }),
      ...(!isForAll && subject !== undefined && { subject_account_id: subject }),
      ...(live !== undefined && { live }),
      ...(webhook_id !== undefined && { webhook_id }),
      ...(recipient_account_id !== undefined && { recipient_account_id }),
    };
  });
}

/** The partner accounts that a key may report for, sorted; `*` among them for all. */
const subjectsOf = ({ accounts, subjects }: v.InferOutput<typeof signingKeysSchema>[string]) =>
  [...Object.keys(accounts), ...(subjects === '*' ? ['*'] : subjects)].toSorted();
