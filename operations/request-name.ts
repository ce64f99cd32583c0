import type { LapseClient } from '../client/lapse-client.ts';
import type { PaymentRequestRecord } from '../client/responses.ts';
import {
  type Account,
  parseAccount,
  parsePaymentRequestId,
  type PaymentRequestId,
  type PaymentRequestKey,
} from '../functions/domain/identifiers.ts';
import type { CommandContext } from './command-context.ts';
import { UsageError } from './usage-error.ts';

/** How a Payment Request is named on the command line. */
export const namesHelp = '<account>/<payment request id>, or the id alone with --account';

/** The name of a Payment Request on the command line. */
export const nameOf = ({
  account,
  payment_request_id,
}: Pick<PaymentRequestRecord, 'account' | 'payment_request_id'>): string =>
  `${account}/${payment_request_id}`;

/** The name with its account. @throws {UsageError} where neither the name nor `--account` has one. */
export const fullName = (context: Pick<CommandContext, 'account'>, name: string): string =>
  name.includes('/') ? name : `${context.account()}/${name}`;

/** A Payment Request that a command names, and the API of its account. */
export interface NamedRequest extends PaymentRequestKey {
  readonly name: string;
  readonly client: LapseClient;
}

/**
 * The Payment Requests of these names. It calls nothing.
 *
 * @throws {UsageError} for the first name that is malformed: none of them is used then
 */
export async function requestsNamed(
  context: Pick<CommandContext, 'account' | 'operations'>,
  names: readonly string[],
): Promise<readonly NamedRequest[]> {
  const keys = names.map((name) => keyNamed(fullName(context, name)));
  const { api } = await context.operations();
  return Promise.all(keys.map(async (key) => ({ ...key, client: await api(key.account) })));
}

/** The account that `--account` names. @throws {UsageError} where it is missing or malformed. */
export const accountOf = (context: Pick<CommandContext, 'account'>): Account =>
  checkedAccount(context.account());

/** The Payment Request of a name with its account. @throws {UsageError} for a malformed name */
export function keyNamed(name: string): PaymentRequestKey & { readonly name: string } {
  const slash = name.indexOf('/');
  return {
    name,
    account: checkedAccount(name.slice(0, slash)),
    paymentRequestId: checkedId(name.slice(slash + 1)),
  };
}

/** @throws {UsageError} for a text that is not the name of an account */
export function checkedAccount(text: string): Account {
  const account = parseAccount(text);
  if (account) return account;
  throw new UsageError(`The account is ${text || 'empty'}; allowed: 1 to 32 of a-z, 0-9 and -.`);
}

function checkedId(text: string): PaymentRequestId {
  const id = parsePaymentRequestId(text);
  if (id) return id;
  throw new UsageError(
    `The Payment Request is ${text || 'empty'}; allowed: Klarna's id, such as krn:payment:eu1:request:552603c0-fe8b-4ab1-aacb-41d55fafbdb4.`,
  );
}
