import type { StoredAccounts } from '../../functions/application/ports.ts';
import type { StoredAccount } from '../../functions/domain/account-settings.ts';
import type { Credential } from '../../functions/domain/credential.ts';
import type { Account, CredentialName } from '../../functions/domain/identifiers.ts';
import { settingsWith } from './fixtures.ts';

/** The acquiring partner's own account at Klarna. */
export const acquirer = 'krn:partner:global:account:test:M4ACQUIRER';

const { klarna, account: _, ...policies } = settingsWith();
const { partnerAccountId: __, ...shared } = klarna;

/** The credential of an acquiring partner, with every policy at its default. */
export const credentialWith = (fields: Partial<Credential> = {}): Credential => ({
  name: 'acquirer' as CredentialName,
  acquirerAccountId: acquirer,
  accounts: undefined,
  policies,
  klarna: { ...shared, credential: fields.name ?? 'acquirer' },
  ...fields,
});

/** What is stored about accounts, in memory. */
export class InMemoryAccounts implements StoredAccounts {
  readonly items = new Map<Account, StoredAccount>();
  reads = 0;

  read(account: Account): Promise<StoredAccount | undefined> {
    this.reads += 1;
    return Promise.resolve(this.items.get(account));
  }

  write(...[account, overrides, updated]: Parameters<StoredAccounts['write']>): Promise<void> {
    this.items.set(account, { onboarded: this.items.get(account)?.onboarded, overrides, updated });
    return Promise.resolve();
  }

  onboard(...[account, onboarded]: Parameters<StoredAccounts['onboard']>): Promise<void> {
    const { overrides = {}, updated, onboarded: first } = this.items.get(account) ?? {};
    this.items.set(account, { overrides, updated, onboarded: first ?? onboarded });
    return Promise.resolve();
  }
}
