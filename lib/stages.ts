import { RemovalPolicy } from 'aws-cdk-lib';
import type { LapseSettings } from './lapse-settings.ts';

/** What differs from stage to stage. `npx cdk deploy -c stage=live` takes one; without it the stack is `Lapse`, all defaults. */
export const stages: Readonly<Record<string, LapseSettings>> = {
  /** For trying things out, with Klarna's test environment. */
  test: { logRetentionDays: 7, retentionDays: 30, canary: false },
  /** For a branch: cheap, and it leaves nothing behind. */
  preview: {
    removalPolicy: RemovalPolicy.DESTROY,
    alarms: false,
    dashboard: false,
    canary: false,
    logRetentionDays: 7,
    retentionDays: 30,
  },
  /** For real payments. */
  live: { logRetentionDays: 90 },
};
