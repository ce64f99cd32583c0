import { cancelPaymentRequest, rehearseCancel } from '../../functions/application/cancel-payment-request.ts';
import { endExpiredSession } from '../../functions/application/end-expired-session.ts';
import { listPaymentRequests } from '../../functions/application/list-payment-requests.ts';
import { publishStateChanges } from '../../functions/application/publish-state-changes.ts';
import { readSession } from '../../functions/application/read-session.ts';
import { receiveWebhook } from '../../functions/application/receive-webhook.ts';
import { reconcilePaymentRequests } from '../../functions/application/reconcile-payment-requests.ts';
import { refreshPaymentRequest } from '../../functions/application/refresh-payment-request.ts';
import { extendSession, registerSession } from '../../functions/application/register-session.ts';
import { readDelivery } from '../../functions/runtime/klarna-delivery.ts';
import { verify } from '../../functions/runtime/klarna-signature.ts';
import type { Task } from './engine.ts';
import type { Ports } from './simulated-ports.ts';

/** The use cases that a run is made of, and the check of a webhook. A mutant of the protocol takes the place of some. */
export interface UseCases {
  readonly register: typeof registerSession;
  readonly extend: typeof extendSession;
  readonly cancel: typeof cancelPaymentRequest;
  readonly rehearse: typeof rehearseCancel;
  readonly refresh: typeof refreshPaymentRequest;
  readonly readSession: typeof readSession;
  readonly list: typeof listPaymentRequests;
  readonly receive: typeof receiveWebhook;
  readonly endExpired: typeof endExpiredSession;
  readonly reconcile: typeof reconcilePaymentRequests;
  readonly publish: typeof publishStateChanges;
  readonly verify: typeof verify;
  readonly readDelivery: typeof readDelivery;
}

export const useCases: UseCases = {
  register: registerSession,
  extend: extendSession,
  cancel: cancelPaymentRequest,
  rehearse: rehearseCancel,
  refresh: refreshPaymentRequest,
  readSession,
  list: listPaymentRequests,
  receive: receiveWebhook,
  endExpired: endExpiredSession,
  reconcile: reconcilePaymentRequests,
  publish: publishStateChanges,
  verify,
  readDelivery,
};

/** What is run: the use cases as they are, unless a mutant of the protocol is to be found out. */
export interface Protocol {
  readonly useCases: UseCases;
  /** Bends what an invocation gets from outside. */
  readonly bend: (ports: Ports, task: Task) => Ports;
}

export const realProtocol: Protocol = { useCases, bend: (ports) => ports };
