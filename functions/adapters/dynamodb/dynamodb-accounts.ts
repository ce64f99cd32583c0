import * as v from 'valibot';
import { recordOf } from '../../contract/record-of.ts';
import type { StoredAccounts } from '../../application/ports.ts';
import type { AccountOverrides, StoredAccount } from '../../domain/account-settings.ts';
import { type Account, type CredentialName, parseCredentialName } from '../../domain/identifiers.ts';
import { type Instant, parseInstant } from '../../domain/instant.ts';
import { tableSchema } from '../../contract/table-schema.ts';
import type { Item } from './stored-payment-request.ts';
import { getItem, type TableAccess, updateItem } from './table-items.ts';
import { UpdateBuilder } from './update-expression.ts';

const partitionKeyOf = (account: Account): string => `A#${account}#SETTINGS`;

const instant = v.pipe(
  v.string(),
  v.rawTransform<string, Instant>(({ dataset, addIssue, NEVER }) => {
    const at = parseInstant(dataset.value);
    if (at) return at;
    addIssue({ message: 'not a time' });
    return NEVER;
  }),
);

const credentialName = v.pipe(
  v.string(),
  v.rawTransform<string, CredentialName>(({ dataset, addIssue, NEVER }) => {
    const name = parseCredentialName(dataset.value);
    if (name) return name;
    addIssue({ message: 'not a name' });
    return NEVER;
  }),
);

const millis = v.pipe(v.number(), v.integer(), v.minValue(0));

/** The overrides as they are stored. Durations are in milliseconds. */
const overridesSchema = v.object({
  credential: v.exactOptional(credentialName),
  alias: v.exactOptional(v.string()),
  default_session_timeout: v.exactOptional(millis),
  arm_on_submitted: v.exactOptional(v.boolean()),
  cancel_completed: v.exactOptional(v.boolean()),
  in_progress_grace: v.exactOptional(millis),
  max_extensions: v.exactOptional(millis),
  max_session: v.exactOptional(millis),
  sync_klarna_expiry: v.exactOptional(v.boolean()),
  observe: v.exactOptional(v.boolean()),
  end_other_attempts: v.exactOptional(v.boolean()),
  armed_from: v.exactOptional(instant),
  kinds: v.exactOptional(recordOf(v.string(), v.picklist(['cancel', 'observe']))),
  watch_authorization: v.exactOptional(v.boolean()),
  authorization_alert_after: v.exactOptional(millis),
  cancel_unauthorized: v.exactOptional(v.boolean()),
});

const itemSchema = v.object({
  overrides: v.exactOptional(overridesSchema, {}),
  onboarded: v.exactOptional(v.object({ credential: credentialName, at: instant })),
  updated: v.exactOptional(v.object({ by: v.string(), at: instant })),
});

const namesSchema = v.object({ names: v.array(credentialName) });

/** What is stored about accounts without an entry: one item each. It stays until it is replaced. */
export class DynamoDbAccounts implements StoredAccounts {
  readonly #table: TableAccess;

  constructor(table: TableAccess) {
    this.#table = table;
  }

  async read(account: Account): Promise<StoredAccount | undefined> {
    const item = await getItem(this.#table, partitionKeyOf(account));
    return item && fromItem(account, item);
  }

  async write(
    account: Account,
    overrides: AccountOverrides,
    updated: NonNullable<StoredAccount['updated']>,
  ): Promise<void> {
    const update = new UpdateBuilder()
      .put('account', account)
      .put('overrides', toStored(overrides))
      .put('updated', updated);
    await updateItem(this.#table, partitionKeyOf(account), update.when());
  }

  async onboard(account: Account, onboarded: NonNullable<StoredAccount['onboarded']>): Promise<void> {
    const update = new UpdateBuilder().putIfAbsent('account', account).putIfAbsent('onboarded', onboarded);
    await updateItem(this.#table, partitionKeyOf(account), update.when());
  }

  /** The credentials whose secrets the stack did not create. */
  async credentialNames(): Promise<readonly CredentialName[]> {
    const item = await getItem(this.#table, tableSchema.credentials, 'eventual');
    return item ? v.parse(namesSchema, item).names : [];
  }

  /** Adds a credential whose secret the stack did not create. Adding it again changes nothing. */
  addCredentialName(name: CredentialName): Promise<void> {
    return this.#changeNames((names) => (names.includes(name) ? names : [...names, name]));
  }

  /** Removes the credential from those whose secrets the stack did not create. One that is not there is no error. */
  removeCredentialName(name: CredentialName): Promise<void> {
    return this.#changeNames((names) => names.filter((each) => each !== name));
  }

  /** Replaces the names, and does so again where another writer was faster. */
  async #changeNames(change: (names: readonly CredentialName[]) => readonly CredentialName[]): Promise<void> {
    for (;;) {
      const item = await getItem(this.#table, tableSchema.credentials);
      const before = item ? v.parse(namesSchema, item).names : undefined;
      const after = change(before ?? []);
      if (after.length === (before?.length ?? 0)) return;
      const update = new UpdateBuilder().put('names', after);
      const attribute = update.name('names');
      const condition =
        before === undefined
          ? `attribute_not_exists(${attribute})`
          : `${attribute} = ${update.value(before)}`;
      const { written } = await updateItem(this.#table, tableSchema.credentials, update.when(condition));
      if (written) return;
    }
  }
}

const toStored = (overrides: AccountOverrides): Item => ({
  credential: overrides.credential,
  alias: overrides.alias,
  default_session_timeout: overrides.defaultSessionTimeout,
  arm_on_submitted: overrides.armOnSubmitted,
  cancel_completed: overrides.cancelCompleted,
  in_progress_grace: overrides.inProgressGrace,
  max_extensions: overrides.maxExtensions,
  max_session: overrides.maxSession,
  sync_klarna_expiry: overrides.syncKlarnaExpiry,
  observe: overrides.observe,
  end_other_attempts: overrides.endOtherAttempts,
  armed_from: overrides.armedFrom,
  // As a Map: the SDK does not take an object with a key `constructor` for a plain one.
  kinds: overrides.kinds && new Map(Object.entries(overrides.kinds)),
  watch_authorization: overrides.watchAuthorization,
  authorization_alert_after: overrides.authorizationAlertAfter,
  cancel_unauthorized: overrides.cancelUnauthorized,
});

function fromItem(account: Account, item: Item): StoredAccount {
  const parsed = v.safeParse(itemSchema, item);
  if (!parsed.success) {
    const fields = parsed.issues.map((issue) => v.getDotPath(issue) ?? 'item').join(', ');
    throw new Error(`The settings of the account ${account} cannot be read: ${fields}.`);
  }
  const { overrides, onboarded, updated } = parsed.output;
  const named = {
    credential: overrides.credential,
    alias: overrides.alias,
    defaultSessionTimeout: overrides.default_session_timeout,
    armOnSubmitted: overrides.arm_on_submitted,
    cancelCompleted: overrides.cancel_completed,
    inProgressGrace: overrides.in_progress_grace,
    maxExtensions: overrides.max_extensions,
    maxSession: overrides.max_session,
    syncKlarnaExpiry: overrides.sync_klarna_expiry,
    observe: overrides.observe,
    endOtherAttempts: overrides.end_other_attempts,
    armedFrom: overrides.armed_from,
    kinds: overrides.kinds,
    watchAuthorization: overrides.watch_authorization,
    authorizationAlertAfter: overrides.authorization_alert_after,
    cancelUnauthorized: overrides.cancel_unauthorized,
  };
  // What is not overridden must not be there: it would hide the policy of the credential.
  const given = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
  return { overrides: given, onboarded, updated };
}
