import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as v from 'valibot';
import { recordOf } from '../contract/record-of.ts';
import type { SettingsResult, writeAccountSettings } from '../application/account-settings.ts';
import type { FoundAccount } from '../application/find-account.ts';
import type { AccountOverrides } from '../domain/account-settings.ts';
import { alertAfterFormat, isAlertAfter } from '../domain/confirmation.ts';
import { formatDuration } from '../domain/duration.ts';
import { type Account, parseCredentialName } from '../domain/identifiers.ts';
import { formatInstant } from '../domain/instant.ts';
import { klarnaLongestLifetime } from '../domain/payment-request.ts';
import { kindPattern } from '../domain/registration.ts';
import { mostKinds } from '../domain/timeout-switches.ts';
import { callerOf } from './caller.ts';
import { bodyOf, choice, duration, queryOf, text, time, unknownAccount } from './parse-request.ts';
import { invalid, Problem, shown } from './problem.ts';
import { noQuery } from './query-schemas.ts';
import { type HttpResponse, jsonResponse } from './response.ts';

/** What the settings of an account are read and written with. */
export interface SettingsAccess {
  readonly find: (account: Account) => Promise<FoundAccount | undefined>;
  readonly write: ReturnType<typeof writeAccountSettings>;
}

const nameFormat = '1 to 32 lower-case letters, digits and hyphens';
const flag = v.exactOptional(v.boolean('true or false'));
const wholeNumberFormat = 'a whole number from 0 to 1000';
const sessionFormat = "at most PT48H, Klarna's longest lifetime";

const session = v.pipe(
  duration,
  v.check(({ millis }) => millis <= klarnaLongestLifetime, sessionFormat),
);

const kindsFormat = `an object from at most ${mostKinds} kinds to cancel or observe; a kind has 1 to 32 lower-case letters, digits, - and _`;

const kinds = v.pipe(
  recordOf(v.pipe(v.string(), v.regex(kindPattern, kindsFormat)), choice(['cancel', 'observe']), kindsFormat),
  v.check((given) => Object.keys(given).length <= mostKinds, kindsFormat),
);

/** The body of a PUT: what the account decides by itself. What it leaves out is as its credential has it. */
export const settingsBody = v.strictObject({
  credential: v.exactOptional(
    v.pipe(
      v.string(nameFormat),
      v.check((given) => parseCredentialName(given) !== undefined, nameFormat),
    ),
  ),
  alias: v.exactOptional(text),
  default_session_timeout: v.exactOptional(duration),
  max_session: v.exactOptional(session),
  max_extensions: v.exactOptional(
    v.pipe(
      v.number(wholeNumberFormat),
      v.integer(wholeNumberFormat),
      v.minValue(0, wholeNumberFormat),
      v.maxValue(1_000, wholeNumberFormat),
    ),
  ),
  in_progress_grace: v.exactOptional(session),
  sync_klarna_expiry: flag,
  arm_on_submitted: flag,
  cancel_completed: flag,
  observe: flag,
  end_other_attempts: flag,
  armed_from: v.exactOptional(time),
  kinds: v.exactOptional(kinds),
  watch_authorization: flag,
  authorization_alert_after: v.exactOptional(
    v.pipe(
      duration,
      v.check(({ millis }) => isAlertAfter(millis), alertAfterFormat),
    ),
  ),
  cancel_unauthorized: flag,
});

/** PUT of the settings of an account without an entry in the secret. */
export const settingsWriteRoutes = ({ write }: Pick<SettingsAccess, 'write'>) => ({
  'PUT /accounts/{account}/settings': async (
    event: APIGatewayProxyEventV2,
    account: Account,
  ): Promise<HttpResponse> => {
    queryOf(event, noQuery);
    const body = bodyOf(event, settingsBody);
    const result = await write(account, overridesOf(body), callerOf(event));
    switch (result.outcome) {
      case 'written':
        return jsonResponse(200, settingsView(result.account));
      case 'unmet':
        throw unmetSettings(result, body);
      case 'unknown':
        throw unknownAccount(account);
      case 'in_secret':
        throw new Problem('account-in-secret', {
          detail: `account is ${account}; allowed: an account without an entry in the secret accounts. Its settings are in that entry.`,
        });
    }
  },
});

/** The violations of settings that would have no effect alone, whether the body or the credential has them. */
function unmetSettings(
  { needs, account }: Extract<SettingsResult, { readonly outcome: 'unmet' }>,
  body: v.InferOutput<typeof settingsBody>,
): Problem {
  const view = settingsView(account);
  return invalid(
    ...needs.map(({ setting, needs: needed }) => ({
      field: setting,
      given: shown(sentAs(body[setting]) ?? view[setting]),
      allowed: `only with ${needed}, which ${view[needed] === null ? 'is not set' : 'is false'}`,
    })),
  );
}

/** A field of the body as the caller wrote it; `undefined` where it was left out. */
const sentAs = (field: boolean | { readonly given: string } | undefined): unknown =>
  typeof field === 'object' ? field.given : field;

/** GET of the settings of an account. */
export const settingsReadRoutes = ({ find }: Pick<SettingsAccess, 'find'>) => ({
  'GET /accounts/{account}/settings': async (
    event: APIGatewayProxyEventV2,
    account: Account,
  ): Promise<HttpResponse> => {
    queryOf(event, noQuery);
    const found = await find(account);
    if (!found) throw unknownAccount(account);
    return jsonResponse(200, settingsView(found));
  },
});

function overridesOf(body: v.InferOutput<typeof settingsBody>): AccountOverrides {
  const overrides = {
    credential: parseCredentialName(body.credential ?? ''),
    alias: body.alias,
    defaultSessionTimeout: body.default_session_timeout?.millis,
    maxSession: body.max_session?.millis,
    maxExtensions: body.max_extensions,
    inProgressGrace: body.in_progress_grace?.millis,
    syncKlarnaExpiry: body.sync_klarna_expiry,
    armOnSubmitted: body.arm_on_submitted,
    cancelCompleted: body.cancel_completed,
    observe: body.observe,
    endOtherAttempts: body.end_other_attempts,
    armedFrom: body.armed_from?.at,
    kinds: body.kinds,
    watchAuthorization: body.watch_authorization,
    authorizationAlertAfter: body.authorization_alert_after?.millis,
    cancelUnauthorized: body.cancel_unauthorized,
  };
  return Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined));
}

/** The settings as a response shows them: those in force, which of them the account overrides, and no secret. */
export function settingsView({ settings, on }: FoundAccount) {
  const { onboarded, updated } = on?.stored ?? {};
  const shown = policiesView(settings);
  const overridden = on?.stored ? policiesView(on.stored.overrides) : {};
  return {
    account: settings.account,
    alias: on?.stored?.overrides.alias ?? null,
    credential: on?.credential.name ?? null,
    environment: settings.klarna.environment,
    partner_account_id: settings.klarna.partnerAccountId ?? null,
    ...shown,
    stage_observe: settings.stage.observe,
    stage_armed_from: settings.stage.armedFrom ? formatInstant(settings.stage.armedFrom) : null,
    overridden: Object.entries(overridden)
      .filter(([, value]) => value !== null)
      .map(([name]) => name),
    onboarded_at: onboarded ? formatInstant(onboarded.at) : null,
    updated_at: updated ? formatInstant(updated.at) : null,
    updated_by: updated?.by ?? null,
  };
}

const policiesView = (policies: AccountOverrides) => ({
  default_session_timeout: durationOf(policies.defaultSessionTimeout),
  max_session: durationOf(policies.maxSession),
  max_extensions: policies.maxExtensions ?? null,
  in_progress_grace: durationOf(policies.inProgressGrace),
  sync_klarna_expiry: policies.syncKlarnaExpiry ?? null,
  arm_on_submitted: policies.armOnSubmitted ?? null,
  cancel_completed: policies.cancelCompleted ?? null,
  observe: policies.observe ?? null,
  end_other_attempts: policies.endOtherAttempts ?? null,
  armed_from: policies.armedFrom ? formatInstant(policies.armedFrom) : null,
  kinds: policies.kinds ?? null,
  watch_authorization: policies.watchAuthorization ?? null,
  authorization_alert_after: durationOf(policies.authorizationAlertAfter),
  cancel_unauthorized: policies.cancelUnauthorized ?? null,
});

const durationOf = (millis: number | undefined): string | null =>
  millis === undefined ? null : formatDuration(millis);
