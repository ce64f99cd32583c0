import type { Account } from './identifiers.ts';

/** A key that Klarna signs webhooks with, and what it is bound to. `undefined` means: not bound. */
export interface SigningKey {
  readonly id: string;
  readonly key: string;
  readonly recipientAccountId: string | undefined;
  readonly webhookId: string | undefined;
  /** `true` for live deliveries only, `false` for test deliveries only. */
  readonly live: boolean | undefined;
  /** The account for each of Klarna's subject account ids. */
  readonly accounts: ReadonlyMap<string, Account>;
}
