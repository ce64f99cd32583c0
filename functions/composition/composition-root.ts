/**
 * Connects the use cases of each function with the adapters of build-adapters.ts. There is one function per
 * capability, so that a bundle contains only what its handler needs. Call each once per process, at module scope.
 */
import { cancelPaymentRequest, dryRunCancel } from '../application/cancel-payment-request.ts';
import { cancelReference, cancelSession } from '../application/cancel-session.ts';
import { compareSession } from '../application/compare-attempts.ts';
import { endExpiredSession } from '../application/end-expired-session.ts';
import { followReference, followWrite } from '../application/follow-write.ts';
import { holdSweepLease } from '../application/hold-sweep-lease.ts';
import { listPaymentRequests } from '../application/list-payment-requests.ts';
import { previewSweep } from '../application/preview-sweep.ts';
import type {
  CredentialNotes,
  KlarnaExpiry,
  KlarnaPaymentRequests,
  PaymentRequestStore,
  ReferenceStreamEntry,
  StreamEntry,
} from '../application/ports.ts';
import { publishStateChanges } from '../application/publish-state-changes.ts';
import { joinAuthorizations } from '../application/join-authorizations.ts';
import { readReferenceWith, readSession } from '../application/read-session.ts';
import { receiveWebhook } from '../application/receive-webhook.ts';
import { reconcilePaymentRequests } from '../application/reconcile-payment-requests.ts';
import { repeatSafely } from '../application/repeat-safely.ts';
import { reportAuthorization } from '../application/record-authorization.ts';
import { refreshPaymentRequest } from '../application/refresh-payment-request.ts';
import { registerReference } from '../application/register-reference.ts';
import { extendSession, registerSession } from '../application/register-session.ts';
import { runCancelJobs } from '../application/run-cancel-jobs.ts';
import { startCancelJob, stopCancelJob } from '../application/start-cancel-job.ts';
import { settleReference } from '../application/settle-reference.ts';
import { settleReferences } from '../application/settle-references.ts';
import { syncKlarnaExpiry } from '../application/sync-klarna-expiry.ts';
import { viewAccounts } from '../application/view-accounts.ts';
import { watchCredentials } from '../application/watch-credentials.ts';
import { watchUnsettled } from '../application/watch-unsettled.ts';
import type { AccountSettings, KlarnaCredentials } from '../domain/account-settings.ts';
import type { PaymentRequestKey, ReferenceKey } from '../domain/identifiers.ts';
import { plusMillis } from '../domain/instant.ts';
import { unknownPaymentRequest } from '../domain/payment-request.ts';
import type { SweepMemory } from '../domain/sweep-memory.ts';
import type { UnreadableRecordError } from '../domain/unreadable-record-error.ts';
import {
  accountsOf,
  clock,
  connectToKlarna,
  delayOf,
  ids,
  klarnaOf,
  offlineKlarna,
  pageAccessOf,
  publisherOf,
  removalOf,
  retries,
  signingKeysOf,
  storeOf,
  timerOf,
  webhookRetries,
  webhookStoresOf,
} from './build-adapters.ts';
import { parseEnvironment } from '../contract/environment.ts';
import { measureTimeout } from '../telemetry/timeout-metrics.ts';
import { primeCancel, primingKey } from '../cold-start/prime-cancel.ts';
import { primeWebhook } from '../cold-start/prime-webhook.ts';
import { tellCertificate } from '../telemetry/credential-metrics.ts';
import { fault, note, warn } from '../telemetry/telemetry.ts';
import { warmUpOf } from '../cold-start/warm-up.ts';

const onUnreadable = (error: UnreadableRecordError): void => fault('record.unreadable', error);
const onTimerFault = (error: unknown): void => fault('timer.fault', error);

/** The dependencies of register-payment-request. */
export function composeRegistration() {
  const environment = parseEnvironment('register-payment-request', process.env);
  const { store, offlineStore, awaited, stored, credentials } = storeOf(environment);
  const { timer, offlineTimer } = timerOf(environment);
  const { accounts, prime, write } = accountsOf(environment, stored);
  const dependencies = {
    ...retries,
    store,
    timer,
    ids,
    onTimerFault,
    syncExpiry: expirySyncOf(store, klarnaOf(environment, credentials)),
  };
  return {
    accounts,
    write,
    register: registerSession({ ...dependencies, sessions: store }),
    registerReference: registerReference({
      ...dependencies,
      sessions: store,
      references: store,
      awaited: awaited(),
    }),
    extend: extendSession(dependencies),
    authorize: reportAuthorization(dependencies),
    repeatSafely: repeatSafely(dependencies),
    warmUp: warmUpOf(
      prime,
      () => offlineStore().save(undefined, unknownPaymentRequest(primingKey, clock.instant())),
      () => offlineTimer().arm(primingKey, plusMillis(clock.instant(), 86_400_000)),
    ),
  };
}

/** The dependencies of get-payment-request. */
export function composeReading() {
  const environment = parseEnvironment('get-payment-request', process.env);
  const { store, offlineStore, jobs, awaited, stored, credentials, views } = storeOf(environment);
  const { accounts, prime, find } = accountsOf(environment, stored);
  const klarna = klarnaOf(environment, credentials);
  const page = pageAccessOf(environment);
  const [cancelJobs, waiting] = [jobs(0), awaited()];
  return {
    accounts,
    find,
    page,
    warmUp: warmUpOf(
      prime,
      () => offlineStore().read(primingKey),
      async () => page?.keys.known(),
    ),
    read: (key: Parameters<typeof store.read>[0]) => store.read(key),
    refresh: refreshPaymentRequest({ ...retries, store, ...klarna }),
    readSession: readSession({ store, sessions: store }),
    readReference: readReferenceWith({ store, references: store }),
    awaited: waiting,
    list: listPaymentRequests({ store, list: store, onUnreadable }),
    jobs: cancelJobs,
    view: viewAccounts({ views: views(), clock }),
    preview: previewSweep({
      due: store,
      store,
      accounts,
      jobs: cancelJobs,
      awaited: waiting,
      onUnreadable,
    }),
    clock,
  };
}

/** The dependencies of cancel-payment-request. It can remove a timer but not arm one. */
export function composeCancellation() {
  const environment = parseEnvironment('cancel-payment-request', process.env);
  const { timer, offlineTimer } = removalOf(environment);
  const { store, offlineStore, jobs: jobsOf, awaited, stored, credentials } = storeOf(environment);
  const { accounts, prime } = accountsOf(environment, stored);
  const dependencies = { ...retries, store, timer, ...klarnaOf(environment, credentials), onTimerFault };
  const cancel = cancelPaymentRequest(dependencies);
  const dryRun = dryRunCancel(dependencies);
  const jobs = jobsOf(environment.JOB_RETENTION_DAYS);
  const session = {
    ...retries,
    store,
    sessions: store,
    references: store,
    awaited: awaited(),
    ids,
    onFault: ({ account, paymentRequestId }: PaymentRequestKey, error: unknown) =>
      fault('session-cancel.fault', error, { account, payment_request_id: paymentRequestId }),
  };
  return {
    accounts,
    warmUp: warmUpOf(
      connectToKlarna(environment, prime),
      primeCancel(clock, ids, () => ({
        store: offlineStore(),
        timer: offlineTimer(),
        klarna: offlineKlarna(),
      })),
    ),
    cancel,
    dryRun,
    repeatSafely: repeatSafely({ ...retries, store, ids }),
    cancelSession: cancelSession({ ...session, cancel, isDryRun: false }),
    dryRunSession: cancelSession({ ...session, cancel: dryRun, isDryRun: true }),
    cancelReference: cancelReference({ ...session, cancel, isDryRun: false }),
    dryRunReference: cancelReference({ ...session, cancel: dryRun, isDryRun: true }),
    startJob: startCancelJob({ jobs, sessions: store, references: store, clock }),
    stopJob: stopCancelJob({ jobs, clock }),
  };
}

/** The dependencies of receive-klarna-webhook: the signing keys and the table, but not Klarna's API. */
export function composeWebhook() {
  const environment = parseEnvironment('receive-klarna-webhook', process.env);
  const signingKeys = signingKeysOf(environment);
  const { stores, offlineStores, arrivals } = webhookStoresOf(environment);
  return {
    signingKeys,
    arrivals,
    receive: receiveWebhook({ ...webhookRetries, ...stores }),
    warmUp: warmUpOf(
      () => signingKeys.read(),
      primeWebhook(() => receiveWebhook({ ...webhookRetries, ...offlineStores() })),
    ),
  };
}

/** Milliseconds for which a timer waits for its turn to call Klarna. The attempt after it fits into the function's limit. */
const longestWait = 10_000;

/** What the timer's function and the sweep both end sessions and references with. */
const endingOf = (
  { store, awaited }: Pick<ReturnType<typeof storeOf>, 'store' | 'awaited'>,
  timer: ReturnType<typeof timerOf>['timer'],
  klarna: ReturnType<typeof klarnaOf>,
) => ({
  ...retries,
  store,
  sessions: store,
  references: store,
  awaited: awaited(),
  timer,
  ...klarna,
  syncExpiry: expirySyncOf(store, klarna),
  onTimerFault,
  onUnreadable,
});

/** The dependencies of cancel-expired-session. */
export function composeTimeout() {
  const environment = parseEnvironment('cancel-expired-session', process.env);
  const { store, offlineStore, awaited, stored, credentials } = storeOf(environment);
  const { timer, offlineTimer } = timerOf(environment);
  const { accounts, prime } = accountsOf(environment, stored);
  const klarna = klarnaOf(environment, credentials);
  const dependencies = {
    ...endingOf({ store, awaited }, timer, klarna),
    turn: (settings: AccountSettings) => klarna.pace.turn(settings, 'timer', clock.now() + longestWait),
  };
  return {
    accounts,
    warmUp: warmUpOf(
      connectToKlarna(environment, prime),
      primeCancel(clock, ids, () => ({
        store: offlineStore(),
        timer: offlineTimer(),
        klarna: offlineKlarna(),
      })),
    ),
    endExpired: endExpiredSession(dependencies),
    compare: compareSession(dependencies),
    settle: settleReference(dependencies),
    delay: delayOf(environment),
  };
}

const onRecordFault = ({ account, paymentRequestId }: PaymentRequestKey, error: unknown): void =>
  fault('sweep.fault', error, { account, payment_request_id: paymentRequestId });

const onReferenceFault = ({ account }: ReferenceKey, error: unknown): void =>
  fault('reference.fault', error, { account });

/** The dependencies of reconcile-payment-requests. */
export function composeReconciliation() {
  const environment = parseEnvironment('reconcile-payment-requests', process.env);
  const { store, jobs, awaited, sweepLease, open, stored, credentials, authorizations } =
    storeOf(environment);
  const klarna = klarnaOf(environment, credentials);
  const { accounts, check, inUse } = accountsOf(environment, stored);
  const { timer } = timerOf(environment);
  const dependencies = endingOf({ store, awaited }, timer, klarna);
  return {
    // No caller waits for the sweep.
    warmUp: warmUpOf(),
    alone: holdSweepLease({ lease: sweepLease(), clock, onFault: (error) => fault('sweep.fault', error) }),
    watch: (known: SweepMemory) => watchUnsettled({ store, clock, onFault: onRecordFault }, known),
    open: open(),
    checkSecrets: atMostEvery(checkInterval, check, (error) => fault('secret.unchecked', error)),
    watchCredentials: credentialWatchOf(inUse, credentials.notes, klarna),
    runJobs: runCancelJobs({
      jobs: jobs(environment.JOB_RETENTION_DAYS),
      list: store,
      accounts,
      clock,
      pace: klarna.pace,
      cancel: cancelPaymentRequest(dependencies),
      dryRun: dryRunCancel(dependencies),
      perSecond: environment.CANCEL_JOBS_PER_SECOND,
      onFault: ({ account, jobId, paymentRequestId }, error) =>
        fault('job.fault', error, { account, job_id: jobId, payment_request_id: paymentRequestId }),
    }),
    join: joinAuthorizations({
      ...dependencies,
      authorizations: authorizations(),
      list: store,
      onFault: (account, error) => fault('sweep.fault', error, { account }),
    }),
    settleReferences: settleReferences({
      ...dependencies,
      accounts,
      onReferenceFault,
    }),
    reconcile: reconcilePaymentRequests({
      ...dependencies,
      authorizations: authorizations(),
      list: store,
      due: store,
      accounts,
      onTimeout: measureTimeout,
      onFault: onRecordFault,
    }),
  };
}

/** The dependencies of publish-state-changes. */
export function composePublishing() {
  const environment = parseEnvironment('publish-state-changes', process.env);
  const { writeOf, referenceWriteOf, publisher, unpublished, handOver, primePublishing } =
    publisherOf(environment);
  const { store, awaited } = storeOf(environment);
  const following = {
    store,
    sessions: store,
    references: store,
    awaited: awaited(),
    handOver,
    onFollowFault: (key: PaymentRequestKey | ReferenceKey, error: unknown): void =>
      fault('follow.fault', error, idsOf(key)),
  };
  const onFault = ({ key, sequenceNumber }: StreamEntry | ReferenceStreamEntry, error: unknown): void =>
    fault('events.fault', error, { ...idsOf(key), sequence_number: sequenceNumber });
  return {
    writeOf,
    referenceWriteOf,
    publish: publishStateChanges({
      publisher,
      unpublished,
      clock,
      follow: followWrite(following),
      followReference: followReference(following),
      onFault,
    }),
    warmUp: warmUpOf(primePublishing),
  };
}

/** Milliseconds between two checks of the secrets: the period of the alarm that they raise. Each read of a secret costs. */
const checkInterval = 5 * 60_000;

/** Milliseconds after which the sweep watches the credentials again. */
const watchInterval = 3_600_000;

/** Does the work at most once in this many milliseconds. Never rejects: what fails now is done again later. */
function atMostEvery<Given extends readonly unknown[]>(
  interval: number,
  work: (...given: Given) => Promise<void>,
  onFault: (error: unknown) => void,
): (...given: Given) => Promise<void> {
  let doneAt = Number.NEGATIVE_INFINITY;
  return async (...given) => {
    if (clock.now() - doneAt < interval) return;
    doneAt = clock.now();
    await work(...given).catch(onFault);
  };
}

/** Watches the credentials, as often as that is worth. */
const credentialWatchOf = (
  inUse: () => Promise<readonly KlarnaCredentials[]>,
  notes: CredentialNotes,
  { klarna }: { readonly klarna: KlarnaPaymentRequests },
) =>
  atMostEvery(
    watchInterval,
    watchCredentials({
      inUse,
      notes,
      klarna,
      clock,
      onCertificate: tellCertificate,
      onHeartbeat: (credential, response) => note('credential.heartbeat', { credential, response }),
      onFault: (credential, error) => fault('credential.fault', error, { credential }),
    }),
    (error) => fault('credential.fault', error),
  );

/** What a log line names of a key. A reference is the shop's own text, so it is left out. */
const idsOf = (key: PaymentRequestKey | ReferenceKey) => ({
  account: key.account,
  payment_request_id: 'paymentRequestId' in key ? key.paymentRequestId : undefined,
});

const expirySyncOf = (
  store: PaymentRequestStore,
  { klarna }: { readonly klarna: KlarnaExpiry & KlarnaPaymentRequests },
) =>
  syncKlarnaExpiry({
    ...retries,
    store,
    klarna,
    klarnaExpiry: klarna,
    ids,
    onFault: (error) => fault('klarna-expiry.fault', error),
    onRefused: ({ account, paymentRequestId }, { method, status, error_code, correlation_id }) =>
      warn('klarna-expiry.refused', {
        account,
        payment_request_id: paymentRequestId,
        method,
        status,
        error_code,
        correlation_id,
      }),
  });
