/** The parts of deliberate mistakes. */
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import type { InvariantName } from './invariants.ts';
import { type Protocol, realProtocol, type UseCases, useCases } from './protocol.ts';

/** A deliberate mistake, and the invariant that must find it. */
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

/** A store that modifies each record before it is stored. */
export const bentWrites = (
  bend: (next: PaymentRequest, current: PaymentRequest | undefined) => PaymentRequest,
): Protocol =>
  bending((ports) => ({
    ...ports,
    store: { ...ports.store, save: (current, next) => ports.store.save(current, bend(next, current)) },
  }));
