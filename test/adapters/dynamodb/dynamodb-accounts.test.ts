import { afterAll, expect, it } from 'vitest';
import { DynamoDbAccounts } from '../../../functions/adapters/dynamodb/dynamodb-accounts.ts';
import { updateItem } from '../../../functions/adapters/dynamodb/table-items.ts';
import { UpdateBuilder } from '../../../functions/adapters/dynamodb/update-expression.ts';
import type { AccountOverrides } from '../../../functions/domain/account-settings.ts';
import type { Account, CredentialName } from '../../../functions/domain/identifiers.ts';
import { at, noon } from '../../support/fixtures.ts';
import { openEmbeddedTable } from '../../support/embedded-table.ts';

const table = await openEmbeddedTable();
afterAll(() => table.close());

const accounts = new DynamoDbAccounts(table);
const credential = 'acquirer' as CredentialName;
const updated = { by: 'operator', at: noon };

/** Every override, each different from its default. */
const all: Required<AccountOverrides> = {
  credential,
  alias: 'Web shop Sweden',
  defaultSessionTimeout: 1_200_000,
  armOnSubmitted: true,
  cancelCompleted: true,
  inProgressGrace: 300_000,
  maxExtensions: 0,
  maxSession: 3_600_000,
  syncKlarnaExpiry: true,
  observe: true,
  endOtherAttempts: true,
  armedFrom: noon,
  kinds: { invoice: 'observe', constructor: 'observe' as const, prototype: 'cancel' },
  watchAuthorization: true,
  authorizationAlertAfter: 60_000,
  cancelUnauthorized: true,
};

it('nothing is stored about an account that was neither set nor onboarded', async () => {
  expect(await accounts.read('m1' as Account)).toBeUndefined();
});

it('every override is read as it was written', async () => {
  await accounts.write('m2' as Account, all, updated);
  expect(await accounts.read('m2' as Account)).toEqual({ overrides: all, onboarded: undefined, updated });
});

it('a write replaces the overrides, and an override that is left out is gone', async () => {
  await accounts.write('m3' as Account, all, updated);
  await accounts.write('m3' as Account, { observe: false }, updated);
  expect((await accounts.read('m3' as Account))?.overrides).toStrictEqual({ observe: false });
});

it('the first onboarding stays, and neither it nor a write loses what the other has stored', async () => {
  const account = 'm4' as Account;
  await Promise.all([
    accounts.onboard(account, { credential, at: noon }),
    accounts.write(account, { observe: true }, updated),
  ]);
  await accounts.onboard(account, { credential: 'other' as CredentialName, at: at('2026-04-01T12:00:00Z') });
  expect(await accounts.read(account)).toEqual({
    overrides: { observe: true },
    onboarded: { credential, at: noon },
    updated,
  });
});

it('an item that cannot be read is refused, and the error quotes no value', async () => {
  const update = new UpdateBuilder().put('overrides', { max_session: 'planted' });
  await updateItem(table, 'A#m5#SETTINGS', update.when());
  await expect(accounts.read('m5' as Account)).rejects.toThrow(
    'The settings of the account m5 cannot be read: overrides.max_session.',
  );
});

it('the names of credentials that were connected later are read', async () => {
  expect(await accounts.credentialNames()).toEqual([]);
  await updateItem(table, 'CREDENTIALS', new UpdateBuilder().put('names', ['acquirer', 'other']).when());
  expect(await accounts.credentialNames()).toEqual(['acquirer', 'other']);
});
