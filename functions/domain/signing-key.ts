import { accountOfKrn, isSibling } from './credential.ts';
import type { Account, CredentialName } from './identifiers.ts';

/** A key that Klarna signs webhooks with, and what it is bound to. `undefined` means: not bound. */
export interface SigningKey {
  readonly id: string;
  readonly key: string;
  readonly recipientAccountId: string | undefined;
  readonly webhookId: string | undefined;
  /** `true` for live deliveries only, `false` for test deliveries only. */
  readonly live: boolean | undefined;
  /** The account for each of Klarna's subject account ids that has a name of its own. */
  readonly accounts: ReadonlyMap<string, Account>;
  /** The accounts of an acquiring partner, whose names follow from their ids; `undefined` for a key without a credential. */
  readonly partners?: PartnerBinding | undefined;
}

/** The accounts of an acquiring partner that a signing key may report for. */
export interface PartnerBinding {
  /** The credential that serves them. */
  readonly credential: CredentialName;
  /** The acquiring partner's own account at Klarna. */
  readonly acquirerAccountId: string;
  /** Their ids at Klarna; `*` for all that the acquiring partner onboards. */
  readonly subjects: '*' | ReadonlySet<string>;
  /** Whether a webhook for an account is used before the account was onboarded, or got settings. */
  readonly unknownSubject: 'accept' | 'quarantine';
}

/** The account that a webhook is about. */
export interface BoundAccount {
  readonly account: Account;
  /** The binding by which it is; `undefined` for an account that the key names. */
  readonly partners: PartnerBinding | undefined;
}

/** The account of a subject that the key may report for; `undefined` for any other. */
export function boundAccount(
  { accounts, partners }: SigningKey,
  subjectAccountId: string,
): BoundAccount | undefined {
  const named = accounts.get(subjectAccountId);
  if (named) return { account: named, partners: undefined };
  if (!partners) return undefined;
  const { subjects, acquirerAccountId } = partners;
  const isBound = subjects === '*' || subjects.has(subjectAccountId);
  // An id of another kind or environment could have the same last segment.
  const account = isBound && isSibling(subjectAccountId, acquirerAccountId) && accountOfKrn(subjectAccountId);
  return account ? { account, partners } : undefined;
}
