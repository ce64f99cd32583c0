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
  /** The stack, where the page shows a deployed one. It then has no tools for tests, and each change asks first. */
  readonly deployed?: string;
  readonly accounts: readonly Account[];
  readonly addresses: Addresses;
}
