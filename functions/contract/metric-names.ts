/** The metrics of each function. Functions that write them and alarms that watch them take the names from this list. */
import type { TimeoutOutcome } from '../application/end-expired-session.ts';
import type { KlarnaResponse } from '../domain/klarna-response.ts';
import type { receiveWebhook } from '../application/receive-webhook.ts';
import type { CancelOutcome } from '../domain/cancel-outcome.ts';
import type { StateChangeEvent } from '../domain/state-change-event.ts';
import type { FunctionName } from './function-name.ts';

/** Metrics of every function. */
type OfAll = 'WarmUpMillis' | 'ConfigurationFault' | 'InternalFault';

/** Metrics of the functions that read secrets. */
type OfSecrets = 'SecretStale';

/** Metrics of the functions behind the API. */
type OfTheApi = OfAll | OfSecrets | 'ApiFault';

/** Metrics of the functions that call Klarna. */
export type KlarnaMetric =
  'KlarnaMillis' | 'KlarnaResponses' | 'KlarnaUnclear' | `Klarna:${KlarnaResponse['kind']}`;

/** Metrics of the functions that end sessions. */
type OfSessionEnds = 'TimerLateness' | `Timer:${Exclude<TimeoutOutcome['kind'], 'ended'> | CancelOutcome}`;

/** The metrics of each function. */
export interface MetricNames extends Record<FunctionName, string> {
  'register-payment-request': OfTheApi | KlarnaMetric;
  'get-payment-request': OfTheApi | KlarnaMetric;
  'cancel-payment-request': OfTheApi | KlarnaMetric | `Cancel:${CancelOutcome}`;
  'receive-klarna-webhook':
    | OfAll
    | OfSecrets
    | `Webhook:${Awaited<ReturnType<ReturnType<typeof receiveWebhook>>>}`
    | `WebhookRefused:${number}`
    | 'WebhookQuarantined'
    | 'WebhookFault';
  'cancel-expired-session':
    OfAll | OfSecrets | KlarnaMetric | OfSessionEnds | 'TimerUnsettled' | 'TimerFault';
  'reconcile-payment-requests':
    | OfAll
    | OfSecrets
    | KlarnaMetric
    | OfSessionEnds
    | 'SweepRepairs'
    | 'SweepFailures'
    | 'PendingCancels'
    | 'PendingCancelAge'
    | 'OverdueSessionAge'
    | 'DueRecords'
    | 'CancelJobPages';
  'publish-state-changes':
    | OfAll
    | 'EventsPublished'
    | 'EventsRefused'
    | 'EventsSetAside'
    | 'Registered'
    | `Attention:${NonNullable<StateChangeEvent['detail']['cause']> | 'unknown'}`;
}

/** Any metric. */
export type MetricName = MetricNames[FunctionName];
