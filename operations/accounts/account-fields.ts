import * as v from 'valibot';
import { settingsBody } from '../../functions/http/settings-routes.ts';
import { readJson } from '../../functions/contract/read-json.ts';
import { defaultAlertAfter } from '../../functions/domain/confirmation.ts';
import { formatDuration } from '../../functions/domain/duration.ts';
import { type LinkedSetting, unmetNeeds } from '../../functions/domain/setting-needs.ts';
import { UsageError } from '../usage-error.ts';
import type { Settings, SettingsRequest } from './settings-api.ts';

/** Fields by their names; `undefined` for one that is taken out. */
export type FieldChanges = Readonly<Record<string, unknown>>;

/** Fields whose values are secret: they come on standard input, and never as an argument. */
const secretFields: ReadonlySet<string> = new Set(['api_key', 'client_certificate', 'client_key']);

/**
 * The changes in arguments such as `observe=true`, `max_session=PT2H` and `alias=`, which takes the field out.
 *
 * @throws {UsageError} for another form, and for a field that is secret. It repeats no value.
 */
export function fieldsIn(given: readonly string[]): FieldChanges {
  return Object.fromEntries(
    given.map((text) => {
      const [, field = '', value = ''] = /^([a-z_]{1,40})=(.*)$/s.exec(text) ?? [];
      if (field === '')
        throw new UsageError(
          'A setting is malformed; allowed: a field, =, and a value, such as observe=true.',
        );
      if (secretFields.has(field))
        throw new UsageError(
          `${field} is secret: it is read from standard input, and never from an argument.`,
        );
      return [field, value === '' ? undefined : valueOf(value)] as const;
    }),
  );
}

/** A value of JSON where it is one, else a text. */
function valueOf(text: string): unknown {
  const value = readJson(text);
  return typeof value === 'boolean' ||
    typeof value === 'number' ||
    (typeof value === 'object' && value !== null)
    ? value
    : text;
}

/** The fields with the changes. A field that is taken out is left out. */
export const changed = (fields: FieldChanges, changes: FieldChanges): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries({ ...fields, ...changes }).filter(([, value]) => value !== undefined));

/**
 * Checks settings as strictly as the API does.
 *
 * @throws {UsageError} that names each field that is unknown or malformed
 */
export function checkedSettings(account: string, fields: Readonly<Record<string, unknown>>): SettingsRequest {
  const parsed = v.safeParse(settingsBody, fields);
  // The parsed durations have another type than the written ones.
  if (parsed.success) return fields;
  const known = Object.keys(settingsBody.entries);
  const violations = parsed.issues.map((issue) => {
    const field = v.getDotPath(issue) ?? 'the settings';
    return issue.type === 'strict_object'
      ? `${/^[A-Za-z0-9_-]{1,40}$/.test(field) ? field : 'a field'} is not a setting; allowed: ${known.join(', ')}`
      : `${field} is not valid; allowed: ${issue.message}`;
  });
  throw new UsageError(`The settings of ${account}: ${violations.join('. ')}.`);
}

/**
 * Checks that no setting needs another one that is not in force then. A value that only the credential knows is left to the API.
 *
 * @param inForce the settings before the change
 * @throws {UsageError} that names each setting without effect, and what it needs
 */
export function checkNeeds(
  account: string,
  after: Readonly<Record<string, unknown>>,
  inForce: Settings,
): void {
  const isInUse = (setting: LinkedSetting): boolean | undefined => {
    const ofCredential = inForce.overridden.includes(setting) ? undefined : inForce[setting];
    const value = setting in after ? after[setting] : ofCredential;
    if (value === undefined) return undefined;
    return setting === 'authorization_alert_after'
      ? value !== alertByDefault
      : value !== false && value !== null;
  };
  const violations = unmetNeeds(isInUse).map(
    ({ setting, needs }) => `${setting} has no effect without ${needs}; allowed: both, or none of them`,
  );
  if (violations.length > 0) throw new UsageError(`The settings of ${account}: ${violations.join('. ')}.`);
}

const alertByDefault = formatDuration(defaultAlertAfter);
