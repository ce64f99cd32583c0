import { describe, expect, it } from 'vitest';
import {
  isInUseBy,
  type LinkedSetting,
  settingNeeds,
  unmetNeeds,
} from '../../functions/domain/setting-needs.ts';
import { settingsWith } from '../support/fixtures.ts';

const used =
  (...names: readonly LinkedSetting[]) =>
  (setting: LinkedSetting): boolean =>
    names.includes(setting);

describe('settings that need another one', () => {
  it.each(settingNeeds)('$setting alone has no effect, and with $needs it has', (pair) => {
    expect(unmetNeeds(used(pair.setting))).toEqual([pair]);
    expect(unmetNeeds(used(pair.setting, pair.needs))).toEqual([]);
    expect(unmetNeeds(used(pair.needs))).toEqual([]);
  });

  it('a pair with a part that is not known counts as met', () => {
    expect(unmetNeeds((setting) => (setting === 'watch_authorization' ? undefined : true))).toEqual([]);
    expect(unmetNeeds((setting) => (setting === 'watch_authorization' ? false : undefined))).toEqual([]);
  });

  it('an account with the defaults uses none of them', () => {
    const policies = settingsWith({ defaultSessionTimeout: undefined });
    for (const { setting, needs } of settingNeeds)
      expect([setting, needs].map(isInUseBy(policies))).toEqual([false, false]);
  });

  it.each([
    ['cancel_unauthorized', { cancelUnauthorized: true }],
    ['watch_authorization', { watchAuthorization: true }],
    ['authorization_alert_after', { authorizationAlertAfter: 1_800_000 }],
    ['arm_on_submitted', { armOnSubmitted: true }],
    ['default_session_timeout', { defaultSessionTimeout: 60_000 }],
  ] as const)('an account with %s uses it', (setting, policies) => {
    expect(isInUseBy(settingsWith(policies))(setting)).toBe(true);
  });
});
