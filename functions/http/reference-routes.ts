import type { cancelReference } from '../application/cancel-session.ts';
import type { Accounts, AwaitedReferences } from '../application/ports.ts';
import type { readReferenceWith } from '../application/read-session.ts';
import type { registerReference } from '../application/register-reference.ts';
import type { AccountSettings } from '../domain/account-settings.ts';
import type { Account } from '../domain/identifiers.ts';
import { note } from '../telemetry/telemetry.ts';
import { requesterOf } from './caller.ts';
import { idempotentCallOf, notReused } from './idempotency.ts';
import { accountOf, bodyOf, queryOf, referenceOf } from './parse-request.ts';
import { noQuery, sessionCancelQuery } from './query-schemas.ts';
import { referenceRegistrationBody, registrationOf, statusOf } from './registration-request.ts';
import type { RouteHandler } from './serve-routes.ts';
import { referenceCancelResponse, referenceReadResponse } from './session-response.ts';
import { commandOf, numbersOf } from './session-routes.ts';

/** What GET of a reference needs. */
export interface ReferenceReading {
  readonly readReference: ReturnType<typeof readReferenceWith>;
  readonly awaited: Pick<AwaitedReferences, 'read'>;
}

/** GET of a reference: the Payment Requests with it, what waits for one, and whether one is paid. */
export const referenceReadRoutes = ({ readReference, awaited }: ReferenceReading) =>
  ({
    'GET /accounts/{account}/references/{reference}': async (event, account) => {
      const key = { account, reference: referenceOf(event) };
      queryOf(event, noQuery);
      const item = awaited.read(key);
      return referenceReadResponse(key, await readReference(key, item), await item);
    },
  }) satisfies Readonly<Record<string, RouteHandler<Account>>>;

/** What PUT of a reference needs. */
export interface ReferenceRegistration {
  readonly accounts: Accounts;
  readonly registerReference: ReturnType<typeof registerReference>;
}

/** PUT of a reference registers the session of a Payment Request whose id the caller does not know. */
export const referenceRegistrationRoutes = ({
  accounts,
  registerReference: register,
}: ReferenceRegistration) =>
  ({
    'PUT /accounts/{account}/references/{reference}': async (event) => {
      const settings = await accountOf(event, accounts);
      const key = { account: settings.account, reference: referenceOf(event) };
      queryOf(event, noQuery);
      const registration = registrationOf(bodyOf(event, referenceRegistrationBody), requesterOf(event));
      const done = notReused(await register(key, registration, settings, idempotentCallOf(event)), {
        reference: key.reference,
      });
      if (done.kind === 'repeated') {
        const { outcome, paymentRequestId = null, records, awaited } = done;
        const state = 'state' in outcome ? outcome.state : null;
        const status = statusOf(outcome, { payment_request_id: paymentRequestId, state });
        return referenceReadResponse(key, records, awaited, status);
      }
      if (done.kind === 'request') {
        const { outcome, record } = done.result;
        const members = { payment_request_id: done.key.paymentRequestId, state: record?.state ?? null };
        return referenceReadResponse(key, record ? [record] : [], undefined, statusOf(outcome, members));
      }
      const status = statusOf(done.outcome, { reference: key.reference });
      return referenceReadResponse(key, [], done.awaited, status);
    },
  }) satisfies Readonly<Record<string, RouteHandler<Account>>>;

/** What DELETE of a reference needs. */
export interface ReferenceCancel {
  readonly cancelReference: ReturnType<typeof cancelReference>;
  readonly dryRunReference: ReturnType<typeof cancelReference>;
}

/** DELETE of a reference: cancels each Payment Request with it that is open, or keeps the cancel until one is seen. */
export const referenceCancelRoutes = ({
  cancelReference: cancel,
  dryRunReference: dryRun,
}: ReferenceCancel) =>
  ({
    'DELETE /accounts/{account}/references/{reference}': async (event, account) => {
      const key = { account: account.account, reference: referenceOf(event) };
      const query = queryOf(event, sessionCancelQuery);
      const run = query.dry_run ? dryRun : cancel;
      const done = await run(key.reference, commandOf(event, query), account, idempotentCallOf(event));
      const result = notReused(done, { reference: key.reference });
      note('reference.canceled', { account: account.account, ...numbersOf(result.members) });
      return referenceCancelResponse(key, result);
    },
  }) satisfies Readonly<Record<string, RouteHandler<AccountSettings>>>;
