import { changedAttributes } from '../../functions/adapters/dynamodb/stored-payment-request.ts';
import { cancelReference, cancelSession } from '../../functions/application/cancel-session.ts';
import { cancelPaymentRequest, dryRunCancel } from '../../functions/application/cancel-payment-request.ts';
import { compareSession } from '../../functions/application/compare-attempts.ts';
import { endExpiredSession } from '../../functions/application/end-expired-session.ts';
import { eraseRecords } from '../../functions/application/erase-records.ts';
import { followReference, followWrite } from '../../functions/application/follow-write.ts';
import { joinAuthorizations } from '../../functions/application/join-authorizations.ts';
import { listPaymentRequests } from '../../functions/application/list-payment-requests.ts';
import { publishStateChanges } from '../../functions/application/publish-state-changes.ts';
import { readSession } from '../../functions/application/read-session.ts';
import { receiveWebhook } from '../../functions/application/receive-webhook.ts';
import { reconcilePaymentRequests } from '../../functions/application/reconcile-payment-requests.ts';
import { reportAuthorization } from '../../functions/application/record-authorization.ts';
import { refreshPaymentRequest } from '../../functions/application/refresh-payment-request.ts';
import { registerReference } from '../../functions/application/register-reference.ts';
import { settleReference } from '../../functions/application/settle-reference.ts';
import { settleReferences } from '../../functions/application/settle-references.ts';
import { extendSession, registerSession } from '../../functions/application/register-session.ts';
import { replayQuarantined } from '../../functions/application/replay-quarantined.ts';
import {
  republishRecord,
  republishStateChanges,
} from '../../functions/application/republish-state-changes.ts';
import { resolveAttention } from '../../functions/application/resolve-attention.ts';
import { runCancelJobs } from '../../functions/application/run-cancel-jobs.ts';
import { startCancelJob, stopCancelJob } from '../../functions/application/start-cancel-job.ts';
import { readDelivery } from '../../functions/webhook/klarna-delivery.ts';
import { verify } from '../../functions/webhook/klarna-signature.ts';
import type { Task } from './engine.ts';
import type { Ports } from './simulated-ports.ts';
import type { Changes } from './simulated-table.ts';

/** The use cases of a run, and the check of a webhook. A mutant of the protocol replaces some of them. */
export interface UseCases {
  readonly register: typeof registerSession;
  readonly extend: typeof extendSession;
  readonly cancel: typeof cancelPaymentRequest;
  readonly cancelSession: typeof cancelSession;
  readonly registerReference: typeof registerReference;
  readonly cancelReference: typeof cancelReference;
  readonly settle: typeof settleReference;
  readonly settleAll: typeof settleReferences;
  readonly dryRun: typeof dryRunCancel;
  readonly refresh: typeof refreshPaymentRequest;
  readonly readSession: typeof readSession;
  readonly list: typeof listPaymentRequests;
  readonly receive: typeof receiveWebhook;
  readonly endExpired: typeof endExpiredSession;
  readonly compare: typeof compareSession;
  readonly follow: typeof followWrite;
  readonly followReference: typeof followReference;
  readonly reconcile: typeof reconcilePaymentRequests;
  readonly startJob: typeof startCancelJob;
  readonly stopJob: typeof stopCancelJob;
  readonly runJobs: typeof runCancelJobs;
  readonly publish: typeof publishStateChanges;
  readonly republish: typeof republishStateChanges;
  readonly republishRecord: typeof republishRecord;
  readonly reportAuthorization: typeof reportAuthorization;
  readonly join: typeof joinAuthorizations;
  readonly replay: typeof replayQuarantined;
  readonly resolve: typeof resolveAttention;
  readonly erase: typeof eraseRecords;
  readonly verify: typeof verify;
  readonly readDelivery: typeof readDelivery;
}

export const useCases: UseCases = {
  register: registerSession,
  extend: extendSession,
  cancel: cancelPaymentRequest,
  cancelSession,
  registerReference,
  cancelReference,
  settle: settleReference,
  settleAll: settleReferences,
  dryRun: dryRunCancel,
  refresh: refreshPaymentRequest,
  readSession,
  list: listPaymentRequests,
  receive: receiveWebhook,
  endExpired: endExpiredSession,
  compare: compareSession,
  follow: followWrite,
  followReference,
  reconcile: reconcilePaymentRequests,
  startJob: startCancelJob,
  stopJob: stopCancelJob,
  runJobs: runCancelJobs,
  publish: publishStateChanges,
  republish: republishStateChanges,
  republishRecord,
  reportAuthorization,
  join: joinAuthorizations,
  replay: replayQuarantined,
  resolve: resolveAttention,
  erase: eraseRecords,
  verify,
  readDelivery,
};

/** What is run: the use cases as they are, or a mutant of the protocol. */
export interface Protocol {
  readonly useCases: UseCases;
  /** Modifies what an invocation gets from outside. */
  readonly bend: (ports: Ports, task: Task) => Ports;
  /** The attributes of an item that a write changes. */
  readonly changes: Changes;
}

export const realProtocol: Protocol = { useCases, bend: (ports) => ports, changes: changedAttributes };
