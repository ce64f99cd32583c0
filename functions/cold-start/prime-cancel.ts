import { cancelPaymentRequest } from '../application/cancel-payment-request.ts';
import type {
  Clock,
  Ids,
  KlarnaPaymentRequests,
  PaymentRequestStore,
  TimerRemoval,
} from '../application/ports.ts';
import { defaultAlertAfter } from '../domain/confirmation.ts';
import type { AccountSettings } from '../domain/account-settings.ts';
import type { Account, PaymentRequestId, PaymentRequestKey } from '../domain/identifiers.ts';
import { armedStage } from '../domain/timeout-switches.ts';

/** The key of a record that is never written: priming has no network. */
export const primingKey: PaymentRequestKey = {
  account: 'prime' as Account,
  paymentRequestId: 'krn:payment:prime:request:prime' as PaymentRequestId,
};

const settings: AccountSettings = {
  account: primingKey.account,
  defaultSessionTimeout: undefined,
  armOnSubmitted: false,
  cancelCompleted: false,
  inProgressGrace: undefined,
  maxExtensions: 0,
  maxSession: 0,
  syncKlarnaExpiry: false,
  observe: false,
  endOtherAttempts: false,
  armedFrom: undefined,
  kinds: {},
  stage: armedStage,
  watchAuthorization: false,
  authorizationAlertAfter: defaultAlertAfter,
  cancelUnauthorized: false,
  klarna: {
    credential: '',
    rateShare: 1,
    environment: 'test',
    apiKey: '',
    username: undefined,
    partnerAccountId: undefined,
    clientCertificate: undefined,
    clientKey: undefined,
  },
};

/** Each round costs a few milliseconds of init and saves as many of the first call at 256 MB (docs/evidence/performance.md). */
const rounds = 2;

/** Runs a whole cancel on a store, a timer and a Klarna client without a network, so that its code is loaded and compiled. */
export const primeCancel =
  (
    clock: Clock,
    ids: Ids,
    offline: () => {
      readonly store: PaymentRequestStore;
      readonly timer: TimerRemoval;
      readonly klarna: KlarnaPaymentRequests;
    },
  ) =>
  async (): Promise<void> => {
    const { store, timer, klarna } = offline();
    const cancel = cancelPaymentRequest({
      store,
      timer,
      klarna,
      clock,
      ids,
      chance: () => 0,
      conflictBudget: 0,
      onTimerFault: () => undefined,
    });
    const command = { cause: 'api', requestedBy: 'prime', allowCompleted: false } as const;
    for (let round = 0; round < rounds; round += 1) {
      await Promise.all([cancel(primingKey, command, settings), timer.remove(primingKey)]);
    }
  };
