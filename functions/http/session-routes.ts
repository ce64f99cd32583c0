import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { cancelSession } from '../application/cancel-session.ts';
import type { readSession } from '../application/read-session.ts';
import type { AccountSettings } from '../domain/account-settings.ts';
import type { CancelCommand } from '../domain/cancellation.ts';
import type { CancelOutcome } from '../domain/cancel-outcome.ts';
import type { Account } from '../domain/identifiers.ts';
import { note } from '../telemetry/telemetry.ts';
import { callerCauseOf, requesterOf } from './caller.ts';
import { idempotentCallOf, notReused } from './idempotency.ts';
import { queryOf, sessionIdOf } from './parse-request.ts';
import { noQuery, sessionCancelQuery } from './query-schemas.ts';
import type { RouteHandler } from './serve-routes.ts';
import { sessionCancelResponse, sessionReadResponse } from './session-response.ts';

/** What GET of a session needs. */
export interface SessionReading {
  readonly readSession: ReturnType<typeof readSession>;
}

/** GET of a session: its Payment Requests, and whether one is paid. */
export const sessionReadRoutes = ({ readSession: read }: SessionReading) =>
  ({
    'GET /accounts/{account}/sessions/{session_id}': async (event, account) => {
      const sessionId = sessionIdOf(event);
      queryOf(event, noQuery);
      const records = await read(account, sessionId);
      return sessionReadResponse(account, sessionId, records, {
        ifNoneMatch: event.headers['if-none-match'],
      });
    },
  }) satisfies Readonly<Record<string, RouteHandler<Account>>>;

/** What DELETE of a session needs. */
export interface SessionCancel {
  readonly cancelSession: ReturnType<typeof cancelSession>;
  readonly dryRunSession: ReturnType<typeof cancelSession>;
}

/** DELETE of a session: cancels each of its Payment Requests that is open. */
export const sessionCancelRoutes = ({ cancelSession: cancel, dryRunSession: dryRun }: SessionCancel) =>
  ({
    'DELETE /accounts/{account}/sessions/{session_id}': async (event, account) => {
      const sessionId = sessionIdOf(event);
      const query = queryOf(event, sessionCancelQuery);
      const run = query.dry_run ? dryRun : cancel;
      const result = await run(sessionId, commandOf(event, query), account, idempotentCallOf(event));
      const members = notReused(result, { session_id: sessionId });
      note('session.canceled', { account: account.account, ...numbersOf(members) });
      return sessionCancelResponse(account.account, sessionId, members);
    },
  }) satisfies Readonly<Record<string, RouteHandler<AccountSettings>>>;

/** The caller has not looked at each request. So this spares every paid one, even if the account allows its cancel. */
export const commandOf = (
  event: APIGatewayProxyEventV2,
  { reason }: { readonly reason?: string | undefined },
): CancelCommand => ({
  cause: callerCauseOf(event),
  reason,
  ...requesterOf(event),
  allowCompleted: false,
});

/** How many requests had each outcome. */
export function numbersOf(
  members: readonly { readonly outcome: CancelOutcome }[],
): Readonly<Partial<Record<CancelOutcome, number>>> {
  const numbers: Partial<Record<CancelOutcome, number>> = {};
  for (const { outcome } of members) numbers[outcome] = (numbers[outcome] ?? 0) + 1;
  return numbers;
}
