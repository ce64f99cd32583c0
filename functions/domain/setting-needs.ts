import type { AccountPolicies } from './account-settings.ts';
import { defaultAlertAfter } from './confirmation.ts';

/** Settings of an account, by the names that the API and the secrets have for them, of which one needs another. */
export const settingNeeds = [
  { setting: 'cancel_unauthorized', needs: 'watch_authorization' },
  { setting: 'authorization_alert_after', needs: 'watch_authorization' },
  { setting: 'arm_on_submitted', needs: 'default_session_timeout' },
] as const;

/** A setting that another one needs, or that needs another one. */
export type LinkedSetting = (typeof settingNeeds)[number]['setting' | 'needs'];

/** A setting that is in use without the one that it needs. It has no effect alone. */
export type UnmetNeed = (typeof settingNeeds)[number];

/**
 * The settings that are in use without what they need.
 *
 * @param isInUse `undefined` where that is not known; such a pair counts as met
 */
export const unmetNeeds = (isInUse: (setting: LinkedSetting) => boolean | undefined): readonly UnmetNeed[] =>
  settingNeeds.filter(({ setting, needs }) => isInUse(setting) === true && isInUse(needs) === false);

/** Whether the policies use a setting. A time of the alert that is the default was not chosen. */
export const isInUseBy =
  (policies: AccountPolicies) =>
  (setting: LinkedSetting): boolean => {
    switch (setting) {
      case 'cancel_unauthorized':
        return policies.cancelUnauthorized;
      case 'watch_authorization':
        return policies.watchAuthorization;
      case 'authorization_alert_after':
        return policies.authorizationAlertAfter !== defaultAlertAfter;
      case 'arm_on_submitted':
        return policies.armOnSubmitted;
      case 'default_session_timeout':
        return policies.defaultSessionTimeout !== undefined;
    }
  };
