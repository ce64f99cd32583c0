import { cancelPaymentRequest } from '../application/cancel-payment-request.ts';
import type {
  AccountSettings,
  Clock,
  Ids,
  KlarnaPaymentRequests,
  PaymentRequestStore,
  TimerRemoval,
} from '../application/ports.ts';
import type { Account, PaymentRequestId, PaymentRequestKey } from '../domain/identifiers.ts';

/** No account has an empty name, so this is the key of nothing. */
export const nobody: PaymentRequestKey = {
  account: '' as Account,
  paymentRequestId: 'warm-up' as PaymentRequestId,
};

const settings: AccountSettings = {
  account: nobody.account,
  defaultSessionTimeout: undefined,
  armOnSubmitted: false,
  cancelCompleted: false,
  inProgressGrace: undefined,
  maxExtensions: 0,
  maxSession: 0,
  syncKlarnaExpiry: false,
  klarna: {
    environment: 'test',
    apiKey: '',
    username: undefined,
    partnerAccountId: undefined,
    clientCertificate: undefined,
    clientKey: undefined,
  },
};

/** A second and a third time cost a few milliseconds of init each, and save as many of a first call on a seventh of a core. */
const rounds = 3;

/** Goes through a whole cancel, on a store, a timer and a Klarna that have no network, so that all of its code has run. */
export const primeCancel =
  (
    clock: Clock,
    ids: Ids,
    without: () => {
      readonly store: PaymentRequestStore;
      readonly timer: TimerRemoval;
      readonly klarna: KlarnaPaymentRequests;
    },
  ) =>
  async (): Promise<void> => {
    const { store, timer, klarna } = without();
    const cancel = cancelPaymentRequest({
      store,
      timer,
      klarna,
      clock,
      ids,
      chance: () => 0,
      onTimerFault: () => undefined,
    });
    const command = { cause: 'api', requestedBy: 'warm-up', allowCompleted: false } as const;
    for (let time = 0; time < rounds; time += 1) {
      await Promise.all([cancel(nobody, command, settings), timer.remove(nobody)]);
    }
  };
