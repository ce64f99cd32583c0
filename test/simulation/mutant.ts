/** What a deliberate mistake is made of. */
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import type { InvariantName } from './invariants.ts';
import { type Protocol, realProtocol, type UseCases, useCases } from './protocol.ts';

/** A mistake, and the invariant that must find it out. */
export interface Mutant {
  readonly name: string;
  readonly invariant: InvariantName;
  readonly protocol: Protocol;
}

export const replacing = (replaced: Partial<UseCases>): Protocol => ({
  ...realProtocol,
  useCases: { ...useCases, ...replaced },
});

export const bending = (bend: Protocol['bend']): Protocol => ({ ...realProtocol, bend });

/** A store whose writes are bent before they are stored. */
export const bentWrites = (
  bend: (next: PaymentRequest, current: PaymentRequest | undefined) => PaymentRequest,
): Protocol =>
  bending((ports) => ({
    ...ports,
    store: { ...ports.store, save: (current, next) => ports.store.save(current, bend(next, current)) },
  }));
