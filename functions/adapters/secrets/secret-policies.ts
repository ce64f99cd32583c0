/** The policies of an account, as an entry of the secret `accounts` and a credential have them. */
import * as v from 'valibot';
import { recordOf } from '../../contract/record-of.ts';
import { alertAfterFormat, isAlertAfter } from '../../domain/confirmation.ts';
import type { AccountPolicies } from '../../domain/account-settings.ts';
import { durationFormat, parseDuration } from '../../domain/duration.ts';
import { parseInstant } from '../../domain/instant.ts';
import { klarnaLongestLifetime } from '../../domain/payment-request.ts';
import { kindPattern } from '../../domain/registration.ts';
import { isInUseBy, unmetNeeds } from '../../domain/setting-needs.ts';
import { armedStage, mostKinds, type StageSwitches } from '../../domain/timeout-switches.ts';

const duration = v.pipe(
  v.string('must be a text'),
  v.check((given) => parseDuration(given) !== undefined, `must be ${durationFormat}`),
  v.transform((given) => parseDuration(given) ?? 0),
);

const wholeNumberFormat = 'must be a whole number from 0';

const wholeNumber = v.pipe(
  v.number(wholeNumberFormat),
  v.integer(wholeNumberFormat),
  v.minValue(0, wholeNumberFormat),
);

const flag = v.optional(v.boolean('must be true or false'), false);

const session = v.pipe(
  duration,
  v.maxValue(klarnaLongestLifetime, "must be at most PT48H, Klarna's longest lifetime"),
);

const timeFormat = 'must be a time in RFC 3339, such as 2026-01-31T12:00:00Z';

const time = v.pipe(
  v.string(timeFormat),
  v.check((given) => parseInstant(given) !== undefined, timeFormat),
  v.transform((given) => parseInstant(given)),
);

/** Rules for kinds of checkout: what happens at the deadline of sessions that do not say. */
const kinds = v.pipe(
  recordOf(
    v.pipe(v.string(), v.regex(kindPattern, 'must be kinds of 1 to 32 lower-case letters, digits, - and _')),
    v.picklist(['cancel', 'observe'], 'must be cancel or observe'),
    'must be an object from kinds to cancel or observe',
  ),
  v.check((given) => Object.keys(given).length <= mostKinds, `must have at most ${mostKinds} kinds`),
);

/** The fields. docs/reference/configuration.md explains each. */
export const policyFields = {
  default_session_timeout: v.optional(duration),
  arm_on_submitted: flag,
  cancel_completed: flag,
  in_progress_grace: v.optional(session),
  max_extensions: v.optional(wholeNumber, 10),
  max_session: v.optional(session, 'PT48H'),
  sync_klarna_expiry: flag,
  observe: flag,
  end_other_attempts: flag,
  armed_from: v.optional(time),
  kinds: v.optional(kinds, {}),
  watch_authorization: flag,
  authorization_alert_after: v.optional(
    v.pipe(
      duration,
      v.check((millis) => isAlertAfter(millis), `must be ${alertAfterFormat}`),
    ),
    'PT45M',
  ),
  cancel_unauthorized: flag,
} as const;

/** The fields of an entry that are policies. */
type PolicyFields = v.InferOutput<v.StrictObjectSchema<typeof policyFields, undefined>>;

/** Checks that no policy of an entry needs another one that the entry does not have. */
export const checkPolicies = <Entry extends PolicyFields>() =>
  v.rawCheck<Entry>(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    for (const { setting, needs } of unmetNeeds(isInUseBy(policiesOf(dataset.value, klarnaLongestLifetime))))
      addIssue({ message: `${setting} has no effect without ${needs}` });
  });

/**
 * The policies in the fields.
 *
 * @param maxSession milliseconds; the longest session that any account may allow.
 * @param stage what the stage decides about the ends of all sessions.
 */
export const policiesOf = (
  fields: PolicyFields,
  maxSession: number,
  stage: StageSwitches = armedStage,
): AccountPolicies => ({
  defaultSessionTimeout: fields.default_session_timeout,
  armOnSubmitted: fields.arm_on_submitted,
  cancelCompleted: fields.cancel_completed,
  inProgressGrace: fields.in_progress_grace,
  maxExtensions: fields.max_extensions,
  maxSession: Math.min(fields.max_session, maxSession),
  syncKlarnaExpiry: fields.sync_klarna_expiry,
  observe: fields.observe,
  endOtherAttempts: fields.end_other_attempts,
  armedFrom: fields.armed_from,
  kinds: fields.kinds,
  stage,
  watchAuthorization: fields.watch_authorization,
  authorizationAlertAfter: fields.authorization_alert_after,
  cancelUnauthorized: fields.cancel_unauthorized,
});
