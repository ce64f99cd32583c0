import type { cancelReference } from '../application/cancel-session.ts';
import type { readReference } from '../application/read-session.ts';
import type { AccountSettings } from '../domain/account-settings.ts';
import type { Account } from '../domain/identifiers.ts';
import { note } from '../telemetry/telemetry.ts';
import { queryOf, referenceOf } from './parse-request.ts';
import { noQuery, sessionCancelQuery } from './query-schemas.ts';
import type { RouteHandler } from './serve-routes.ts';
import { referenceCancelResponse, referenceReadResponse } from './session-response.ts';
import { commandOf, numbersOf } from './session-routes.ts';

/** What GET of a reference needs. */
export interface ReferenceReading {
  readonly readReference: ReturnType<typeof readReference>;
}

/** GET of a reference: the Payment Requests with it, and whether one is paid. */
export const referenceReadRoutes = ({ readReference: read }: ReferenceReading) =>
  ({
    'GET /accounts/{account}/references/{reference}': async (event, account) => {
      const reference = referenceOf(event);
      queryOf(event, noQuery);
      return referenceReadResponse(account, reference, await read(account, reference));
    },
  }) satisfies Readonly<Record<string, RouteHandler<Account>>>;

/** What DELETE of a reference needs. */
export interface ReferenceCancel {
  readonly cancelReference: ReturnType<typeof cancelReference>;
  readonly dryRunReference: ReturnType<typeof cancelReference>;
}

/** DELETE of a reference: cancels each Payment Request with it that is open. */
export const referenceCancelRoutes = ({
  cancelReference: cancel,
  dryRunReference: dryRun,
}: ReferenceCancel) =>
  ({
    'DELETE /accounts/{account}/references/{reference}': async (event, account) => {
      const reference = referenceOf(event);
      const query = queryOf(event, sessionCancelQuery);
      const members = await (query.dry_run ? dryRun : cancel)(reference, commandOf(event, query), account);
      note('reference.canceled', { account: account.account, ...numbersOf(members) });
      return referenceCancelResponse(account.account, reference, members);
    },
  }) satisfies Readonly<Record<string, RouteHandler<AccountSettings>>>;
