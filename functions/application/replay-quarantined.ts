import type { Instant } from '../domain/instant.ts';
import type { QuarantinedDelivery, QuarantineReason } from '../domain/quarantined-delivery.ts';
import type { SigningKey } from '../domain/signing-key.ts';
import type { ChangeDependencies } from './change-record.ts';
import type { KeptAuthorizations, QuarantinedDeliveries, SigningKeys, StoredAccounts } from './ports.ts';
import { type DeliveryVerdict, receiveAuthorization, type VerifiedDelivery } from './receive-webhook.ts';
import { recordObservation } from './record-observation.ts';

/** What a replay needs. */
export interface ReplayDependencies extends ChangeDependencies {
  readonly quarantine: QuarantinedDeliveries;
  readonly signingKeys: SigningKeys;
  readonly authorizations: Pick<KeptAuthorizations, 'keep'>;
  readonly stored: Pick<StoredAccounts, 'read' | 'onboard'>;
  /** Reads a delivery with these facts as if it arrived now. */
  readonly judge: (delivery: QuarantinedDelivery, key: SigningKey, now: Instant) => VerifiedDelivery;
}

/**
 * The result of a replay. `taken`: the record has the fact, or Lapse does not use it; `verdict` tells which. `refused`: the delivery would
 * be quarantined again, for this reason. `no_key`: the secret does not have the key any more. `would_take`: the result of a dry
 * run.
 */
export type ReplayOutcome =
  | { readonly kind: 'taken'; readonly verdict: DeliveryVerdict }
  | { readonly kind: 'refused'; readonly reason: QuarantineReason }
  | { readonly kind: 'no_key' }
  | { readonly kind: 'would_take' };

/**
 * Applies a delivery from quarantine, by the signing keys, the bindings and the code of now, and with the write of any webhook.
 * Safe to repeat: an event that took effect before has no effect again.
 */
export const replayQuarantined =
  (dependencies: ReplayDependencies) =>
  async (delivery: QuarantinedDelivery, isDryRun: boolean): Promise<ReplayOutcome> => {
    const { quarantine, signingKeys, stored, clock, judge } = dependencies;
    const key = await signingKeys.find(delivery.signingKeyId);
    if (!key) return { kind: 'no_key' };
    const now = clock.instant();
    const judged = judge(delivery, key, now);
    if (judged.kind === 'quarantine') return { kind: 'refused', reason: judged.delivery.reason };
    if (judged.kind === 'onboarding') {
      if (isDryRun) return { kind: 'would_take' };
      await stored.onboard(judged.account, { credential: judged.credential, at: judged.at });
      await quarantine.noteReplay(delivery, { at: now, verdict: 'onboarded' });
      return { kind: 'taken', verdict: 'onboarded' };
    }
    if (judged.kind === 'unused') {
      if (isDryRun) return { kind: 'would_take' };
      await quarantine.noteReplay(delivery, { at: now, verdict: judged.why });
      return { kind: 'taken', verdict: judged.why };
    }
    if (judged.kind === 'authorization') {
      if (isDryRun) return { kind: 'would_take' };
      const verdict = await receiveAuthorization(dependencies, judged);
      await quarantine.noteReplay(delivery, { at: now, verdict });
      return { kind: 'taken', verdict };
    }
    if (judged.ifUnknown && !(await stored.read(judged.key.account))) {
      return { kind: 'refused', reason: judged.ifUnknown.reason };
    }
    if (isDryRun) return { kind: 'would_take' };
    const observation = {
      ...judged.observation,
      proof: { ...judged.observation.proof, quarantined_as: delivery.reason },
    };
    const verdict = await recordObservation(dependencies)(judged.key, observation);
    await quarantine.noteReplay(delivery, { at: now, verdict });
    return { kind: 'taken', verdict };
  };
