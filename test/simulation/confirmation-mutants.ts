/** Deliberate mistakes in what becomes of a payment after COMPLETED. */
import type { Confirmation, PaymentRequest } from '../../functions/domain/payment-request.ts';
import { bending, bentWrites, type Mutant, replacing } from './mutant.ts';
import { useCases } from './protocol.ts';

const withConfirmation = (
  record: PaymentRequest,
  bend: (confirmation: Confirmation) => Confirmation,
): PaymentRequest => (record.confirmation ? { ...record, confirmation: bend(record.confirmation) } : record);

export const confirmationMutants: readonly Mutant[] = [
  {
    name: 'a payment lapses at the alert',
    invariant: 'confirmation-is-sound',
    protocol: bentWrites((next) =>
      withConfirmation(next, (confirmation) =>
        confirmation.alertedAt === undefined || confirmation.lapsedAt !== undefined
          ? confirmation
          : { ...confirmation, lapsedAt: confirmation.alertedAt },
      ),
    ),
  },
  {
    name: 'an approval takes the report off that came before it',
    invariant: 'confirmation-is-sound',
    protocol: bentWrites((next, current) =>
      next.state === 'COMPLETED' && current?.state !== 'COMPLETED' ? withoutReport(next) : next,
    ),
  },
  {
    name: 'a report after the lapse is acknowledged and ignored',
    invariant: 'acknowledged-report-is-durable',
    protocol: replacing({
      receive: (dependencies) => async (delivery) => {
        if (delivery.kind === 'authorization' && delivery.link.by === 'payment_request_id') {
          const { paymentRequestId } = delivery.link;
          const known = await dependencies.store.read({ account: delivery.account, paymentRequestId });
          if (known?.confirmation?.lapsedAt !== undefined) return 'duplicate';
        }
        return useCases.receive(dependencies)(delivery);
      },
    }),
  },
  {
    name: 'a report with a reference is acknowledged before it is kept',
    invariant: 'acknowledged-report-is-durable',
    protocol: bending((ports) => ({
      ...ports,
      authorizations: {
        ...ports.authorizations,
        keep: (...kept) => {
          void ports.authorizations.keep(...kept).catch(() => undefined);
          return Promise.resolve('kept' as const);
        },
      },
    })),
  },
  {
    name: 'a report with a reference is never joined',
    invariant: 'report-by-reference-is-linked',
    protocol: bending((ports) => ({
      ...ports,
      authorizations: { ...ports.authorizations, read: () => Promise.resolve(undefined) },
    })),
  },
  {
    name: 'COMPLETED does not make a watched record due',
    invariant: 'unauthorized-is-told',
    protocol: bentWrites((next) =>
      next.state === 'COMPLETED' && next.confirmation?.alertedAt === undefined
        ? { ...next, dueAt: undefined }
        : next,
    ),
  },
  {
    name: 'a report leaves the cancel of a lapsed payment as it is',
    invariant: 'watch-cancels-only-what-lapsed',
    protocol: bending((ports) => ({
      ...ports,
      store: {
        ...ports.store,
        read: async (key) => asOfACaller(await ports.store.read(key)),
        save: (current, next) =>
          ports.store.save(
            current,
            next.confirmation?.authorizedAt !== undefined && current?.confirmation?.authorizedAt === undefined
              ? { ...next, cancellation: current?.cancellation, dueAt: current?.dueAt }
              : next,
          ),
      },
    })),
  },
];

const withoutReport = (record: PaymentRequest): PaymentRequest =>
  withConfirmation(record, ({ authorizedAt: _, authorizedBy: __, ...confirmation }) => confirmation);

/** A caller of the API has leave for what is authorized. */
const asOfACaller = (record: PaymentRequest | undefined): PaymentRequest | undefined =>
  record?.cancellation?.cause === 'sweep'
    ? { ...record, cancellation: { ...record.cancellation, cause: 'api' } }
    : record;
