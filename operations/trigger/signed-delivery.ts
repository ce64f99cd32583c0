import { randomUUID } from 'node:crypto';
import { krnOf } from '../../functions/domain/credential.ts';
import type { Account, PaymentRequestId } from '../../functions/domain/identifiers.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import type { SigningKey } from '../../functions/domain/signing-key.ts';
import { sign, signatureHeader, signingKeyIdHeader } from '../../functions/webhook/klarna-signature.ts';
import { UsageError } from '../usage-error.ts';

/** A key that reports for an account, and the id of that account at Klarna. */
export interface TestKey {
  readonly key: SigningKey;
  readonly subjectAccountId: string;
}

/**
 * The signing key that reports for an account, of the test environment.
 *
 * @throws {UsageError} where the account has no such key. A key that is not bound to the test environment is not one.
 */
export function testKeyOf(keys: readonly SigningKey[], account: Account): TestKey {
  const ofAccount = keys.flatMap((key) => {
    const subjectAccountId = subjectOf(key, account);
    return subjectAccountId === undefined ? [] : [{ key, subjectAccountId }];
  });
  const found = ofAccount.find(({ key }) => key.live === false);
  if (found) return found;
  throw new UsageError(
    ofAccount.length > 0
      ? `The signing keys of ${account} are not bound to the test environment (live: false): this command is for tests only.`
      : `The secret signing-keys has no key for the account ${account}.`,
  );
}

function subjectOf({ accounts, partners }: SigningKey, account: Account): string | undefined {
  const [named] = [...accounts].find(([, name]) => name === account) ?? [];
  if (named !== undefined || !partners) return named;
  const id = krnOf(account, partners.acquirerAccountId);
  return partners.subjects === '*' || partners.subjects.has(id) ? id : undefined;
}

/** A webhook as Klarna would send it. */
export interface SignedDelivery {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Signs a webhook that tells of a state of a request, which occurred now. @param now milliseconds since 1970 */
export function signedDelivery(
  { key, subjectAccountId }: TestKey,
  { id, state }: { readonly id: PaymentRequestId; readonly state: PaymentRequestState },
  now: number,
): SignedDelivery {
  const body = JSON.stringify({
    metadata: {
      event_id: randomUUID(),
      event_type: `payment.request.state-change.${state.toLowerCase().replaceAll('_', '-')}`,
      event_version: 'v2',
      occurred_at: new Date(now).toISOString(),
      subject_account_id: subjectAccountId,
      recipient_account_id: key.recipientAccountId ?? subjectAccountId,
      webhook_id: key.webhookId,
      live: false,
    },
    payload: { payment_request_id: id, state },
  });
  return {
    body,
    headers: {
      'content-type': 'application/json',
      [signingKeyIdHeader]: key.id,
      [signatureHeader]: sign(Buffer.from(body), key.key),
    },
  };
}
