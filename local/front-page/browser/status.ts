import type { Addresses } from './code-text.ts';

/** An account as the page knows it. */
export interface Account {
  readonly name: string;
  readonly partner_account_id?: string;
}

/** What the page knows before any other call. */
export interface Status {
  readonly now: string;
  readonly simulator: boolean;
  readonly accounts: readonly Account[];
  readonly addresses: Addresses;
}
