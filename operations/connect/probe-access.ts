import { hasStatus } from '../klarna/klarna-error.ts';
import type { KlarnaAccess, KlarnaAccount } from '../klarna/klarna-account.ts';
import { UsageError } from '../usage-error.ts';
import type { Binding } from './binding.ts';

/** How an access was found to work. */
export interface ProbedAccess {
  readonly klarna: KlarnaAccount;
  readonly access: KlarnaAccess;
  /** The way to send the key, in words. */
  readonly way: string;
}

/**
 * Finds the way to send the API key. Klarna's pages show the key itself, and its samples base64 of a user name and the key. Then sees
 * whether the key may call the path of the account.
 *
 * @throws {UsageError} where Klarna accepts no way, refuses the path or the certificate
 */
export async function probeAccess(
  klarnaWith: (access: KlarnaAccess) => KlarnaAccount,
  given: KlarnaAccess,
  { account, environment }: Binding,
): Promise<ProbedAccess> {
  const names = given.username === undefined ? [undefined, ''] : [given.username, undefined, ''];
  for (const username of new Set(names)) {
    const access = { ...given, username };
    const klarna = klarnaWith(access);
    const report = await klarna.check();
    if (report.status === 401) continue;
    if (report.status !== 200) throw refused(report.status, 'to list webhooks');
    if (report.certificate === 'INVALID')
      throw new UsageError(
        'Klarna does not accept the client certificate: it reports INVALID. Make one with `lapse certificate new`.',
      );
    await checkPath(klarna, account);
    return { klarna, access, way: wayOf(username) };
  }
  throw new UsageError(
    `Klarna does not accept the API key in the environment ${environment} (401). Is it disabled, or of the other environment? ` +
      'Klarna disables a key that was not used for two months.',
  );
}

async function checkPath(klarna: KlarnaAccount, account: Binding['account']): Promise<void> {
  const isAcquirer = account.kind === 'acquirer';
  const { status } = await klarna.checkPath(isAcquirer ? account.id : undefined);
  if (status !== 401 && status !== 403) return;
  throw new UsageError(
    isAcquirer
      ? `Klarna responded ${status} on the path of the acquiring partner ${account.id}. Check --acquirer-account; for an account with an API key of its own, give --partner-account.`
      : `Klarna responded ${status} on the direct path. For an acquiring partner, give --acquirer-account.`,
  );
}

const refused = (status: number, what: string): UsageError =>
  new UsageError(
    `Klarna responded ${status} to the API key: it may not be used ${what}, or a client certificate or an allowed address is required.`,
  );

const wayOf = (username: string | undefined): string => {
  if (username === undefined) return 'the key as it is';
  return username === '' ? 'base64 of a colon and the key' : 'base64 of the user name and the key';
};

/** Whether a call was refused for its content: Klarna does not know the value. */
export const isInvalid = (error: unknown): boolean => hasStatus(error, 400);
