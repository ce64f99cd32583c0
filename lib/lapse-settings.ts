import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { AlarmThresholds } from './alarm-thresholds.ts';

/** The settings: numbers and choices that may differ from stage to stage. All are optional. */
export interface LapseSettings {
  /**
   * Days that a record is kept after its last change: at least one day more than `maxSession`, at most 3650.
   * @default 400
   */
  readonly retentionDays?: number;
  /**
   * Days that a webhook in quarantine is kept after its arrival; 2 to 3650. Klarna sends a webhook again for up to 21 hours.
   * @default - as `retentionDays`
   */
  readonly quarantineRetentionDays?: number;
  /**
   * Days that a cancel job is kept after its last change, with its report; 2 to 3650. Until then its name is taken.
   * @default - as `retentionDays`
   */
  readonly jobRetentionDays?: number;
  /**
   * Days that the tombstone of an erased record is kept; 2 to 3650. It has to outlive the last repetition of a webhook.
   * @default - as `retentionDays`
   */
  readonly tombstoneRetentionDays?: number;
  /**
   * Days that logs are kept; one of CloudWatch's steps, such as 7, 30 or 365.
   * @default 30
   */
  readonly logRetentionDays?: number;
  /**
   * Names of credentials, for each of which the stack creates a secret to fill: at most 20. `lapse connect` creates others.
   * @default - none: accounts with their API keys are entries of the secret `accounts`
   */
  readonly credentials?: readonly string[];
  /**
   * The longest session timeout of any account. An account in the secret `accounts` can have a shorter limit.
   * @default 48 hours, Klarna's longest lifetime of a Payment Request
   */
  readonly maxSession?: Duration;
  /**
   * Whether the stage only observes: no timer and no sweep cancels a session at its deadline, whatever its registration says. Records and
   * events say what would have been canceled. Calls of the API that cancel do so. A session that was registered meanwhile stays
   * observed.
   * @default false
   */
  readonly observe?: boolean;
  /**
   * The cut-off for going live: sessions that were registered before this moment are only observed. A time in RFC 3339 and UTC, such as
   * `2026-03-01T06:00:00Z`.
   * @default - none
   */
  readonly armedFrom?: string;
  /**
   * Days for which EventBridge keeps an archive of the published events, for `lapse replay`; 1 to 3650. An archive costs by its size.
   * @default - no archive
   */
  readonly archiveDays?: number;
  /**
   * Minutes for which the last known secret serves while Secrets Manager does not respond; 0 to 1440. A signing key or API key that
   * you remove in that time stays valid until it is over.
   * @default 15
   */
  readonly secretStaleMinutes?: number;
  /**
   * What ends sessions at their deadline. `scheduler`: a schedule for each session, with the sweep as a second chance. `sweep`: the
   * sweep alone, which is up to a minute late and needs no quota of schedules.
   * @default 'scheduler'
   */
  readonly timers?: 'scheduler' | 'sweep';
  /**
   * Where Klarna's webhooks arrive: a Lambda URL, or the route `POST /klarna/webhook` of the HTTP API.
   * @default 'function-url'
   */
  readonly webhookIngress?: 'function-url' | 'http-api';
  /**
   * API calls in a second, over all callers; 1 to 10000.
   * @default 500
   */
  readonly apiRateLimit?: number;
  /**
   * API calls at once above the rate; 1 to 5000.
   * @default 1000
   */
  readonly apiBurstLimit?: number;
  /**
   * The origins of the shop's pages that may read a session with a page token, such as `https://shop.example`: at most 20. With one or
   * more, the stack has the public route `GET /page/session`, and a secret with the keys that sign the tokens.
   * @default - none: there is no public route, and no page token can be made
   */
  readonly pageOrigins?: readonly string[];
  /**
   * Calls of `GET /page/session` in a second, over all pages; 1 to 10000. It is apart from `apiRateLimit`, so that pages cannot take the
   * calls of the shop. Twice as many may come at once.
   * @default 100
   */
  readonly pageRateLimit?: number;
  /**
   * Webhooks processed at once: concurrent executions that Lambda sets aside for them and that they cannot exceed; 1 to 1000. A Lambda
   * URL then accepts ten times as many in a second. Beyond that the response is 429, and Klarna sends the webhook again. A flood of
   * forged webhooks cannot take the concurrency of the other functions, but it can keep Klarna's own webhooks waiting. The account's
   * quota must allow it: AWS keeps a part of the quota unreserved.
   * @default - none: webhooks share the account's unreserved concurrency
   */
  readonly webhookConcurrency?: number;
  /**
   * Batches of timers processed at once; 2 to 1000. It limits the calls to Klarna when many sessions end together.
   * @default 10
   */
  readonly timerConcurrency?: number;
  /**
   * Cancels in a second by all cancel jobs together: their share of Klarna's rate limit; 1 to 100.
   * @default 10
   */
  readonly cancelJobsPerSecond?: number;
  /**
   * The most write units in a second that the table takes, which limits the bill; 1 to 40000.
   * @default 10000
   */
  readonly maxWriteUnits?: number;
  /**
   * The most read units in a second that the table takes, which limits the bill; 1 to 40000.
   * @default 10000
   */
  readonly maxReadUnits?: number;
  /**
   * Klarna's address for accounts of the test environment. Every call to it carries an API key: change it only for tests with a stand-in
   * of Klarna. Plain `http` is allowed for this machine only.
   * @default 'https://api-global.test.klarna.com'
   */
  readonly klarnaTestUrl?: string;
  /**
   * Klarna's address for accounts of the live environment, likewise.
   * @default 'https://api-global.klarna.com'
   */
  readonly klarnaLiveUrl?: string;
  /**
   * What happens to the table and the secrets that Lapse created when the stack is deleted: `RETAIN` or `DESTROY`. With `DESTROY` the
   * stack leaves nothing behind, so the table has neither deletion protection nor backups. Use it for previews and tests only.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * The least level of the log lines that the functions write: `INFO`, `WARN` or `ERROR`. Metrics do not depend on it.
   * @default 'INFO'
   */
  readonly logLevel?: 'INFO' | 'WARN' | 'ERROR';
  /**
   * Whether AWS X-Ray records a trace of each invocation. The functions then get permission to send traces.
   * @default false
   */
  readonly tracing?: boolean;
  /**
   * Whether alarms are created. Without them nothing tells you that money is at risk, and a canary deployment is never rolled back:
   * `false` is for previews and tests only. The topic exists in any case.
   * @default true
   */
  readonly alarms?: boolean;
  /**
   * Whether the dashboard is created.
   * @default true
   */
  readonly dashboard?: boolean;
  /**
   * Whether a new version gets a tenth of the invocations for five minutes first. It is rolled back if an invocation of any function
   * fails.
   * @default true
   */
  readonly canary?: boolean;
  /**
   * Issuer of the JWTs that the API accepts instead of IAM signatures. A token's claim `lapse_accounts` lists the accounts that it
   * is valid for.
   * @default - IAM
   */
  readonly jwtIssuer?: string;
  /**
   * Audiences of those JWTs. Required with `jwtIssuer`.
   * @default - none
   */
  readonly jwtAudience?: readonly string[];
  /**
   * Scopes of which a JWT must have one.
   * @default - none
   */
  readonly jwtScopes?: readonly string[];
  /**
   * The values at which alarms are raised.
   * @default - see `defaultThresholds`
   */
  readonly alarmThresholds?: Partial<AlarmThresholds>;
}
