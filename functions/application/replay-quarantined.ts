import { type Instant, instantFromMillis } from '../domain/instant.ts';
import type { Verdict } from '../domain/transition.ts';
import type {
  Clock,
  PaymentRequestStore,
  QuarantinedDeliveries,
  QuarantinedDelivery,
  QuarantineReason,
  SigningKey,
  SigningKeys,
} from './ports.ts';
import type { VerifiedDelivery } from './receive-webhook.ts';
import { recordObservation } from './record-observation.ts';

export interface ReplayDependencies {
  readonly store: PaymentRequestStore;
  readonly quarantine: QuarantinedDeliveries;
  readonly signingKeys: SigningKeys;
  readonly clock: Clock;
  /** What a delivery with these facts would be taken for, if it came now. */
  readonly judge: (delivery: QuarantinedDelivery, key: SigningKey, now: Instant) => VerifiedDelivery;
}

/**
 * What became of a delivery that was put through again. `taken`: the record has it, and made this of it. `refused`: it
 * would be kept in quarantine again, and why. `no-key`: the key that signed it is not in the secret any more. `would-take`:
 * of a rehearsal.
 */
export type ReplayOutcome =
  | { readonly kind: 'taken'; readonly verdict: Verdict }
  | { readonly kind: 'refused'; readonly reason: QuarantineReason }
  | { readonly kind: 'no_key' }
  | { readonly kind: 'would_take' };

/**
 * Puts a delivery from quarantine through again: judged anew, by the keys, their bindings and the code of now, and written
 * by the same write as any webhook. So it can be repeated, and takes no effect that the event had not had when it came.
 */
export const replayQuarantined =
  ({ store, quarantine, signingKeys, clock, judge }: ReplayDependencies) =>
  async (delivery: QuarantinedDelivery, isDryRun: boolean): Promise<ReplayOutcome> => {
    const key = await signingKeys.find(delivery.signingKeyId);
    if (!key) return { kind: 'no_key' };
    const now = instantFromMillis(clock.now());
    const judged = judge(delivery, key, now);
    if (judged.kind === 'quarantine') return { kind: 'refused', reason: judged.delivery.reason };
    if (isDryRun) return { kind: 'would_take' };
    const observation = {
      ...judged.observation,
      proof: { ...judged.observation.proof, quarantined_as: delivery.reason },
    };
    const verdict = await recordObservation({ store, clock })(judged.key, observation);
    await quarantine.noteReplay(delivery, { at: now, verdict });
    return { kind: 'taken', verdict };
  };
