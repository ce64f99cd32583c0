import { putOffAwaited } from '../domain/awaited-reference.ts';
import { ConfigurationError } from '../domain/configuration-error.ts';
import type { ReferenceKey } from '../domain/identifiers.ts';
import type { Pace } from './pace-calls.ts';
import type { Accounts } from './ports.ts';
import { type SettleDependencies, type SettleOutcome, settleReference } from './settle-reference.ts';

/** What the sweep needs for references. */
export interface ReferenceSweepDependencies extends Omit<SettleDependencies, 'turn'> {
  readonly accounts: Accounts;
  readonly pace: Pick<Pace, 'turn'>;
  /** Called with what could not be settled. The sweep goes on, and tries it again later. */
  readonly onReferenceFault: (key: ReferenceKey, error: unknown) => void;
}

/** How many references had each outcome. */
export type ReferenceReport = Readonly<Partial<Record<SettleOutcome | 'failed', number>>>;

/**
 * Settles every reference that is due: those whose message was lost, and those whose time is over. Begins none after `until`, in
 * milliseconds since 1970.
 */
export const settleReferences =
  (dependencies: ReferenceSweepDependencies) =>
  async (until: number): Promise<ReferenceReport> => {
    const { awaited, accounts, pace, clock, onReferenceFault } = dependencies;
    const report: Partial<Record<SettleOutcome | 'failed', number>> = {};
    for await (const key of awaited.due(clock.instant())) {
      if (clock.now() >= until) break;
      let outcome: SettleOutcome | 'failed';
      try {
        const settings = await accounts.find(key.account);
        if (!settings)
          throw new ConfigurationError(`The account ${key.account} has no entry and no credential.`);
        outcome = await settleReference({
          ...dependencies,
          turn: (whose) => pace.turn(whose, 'timer', until),
        })(key, settings);
      } catch (error) {
        outcome = 'failed';
        onReferenceFault(key, error);
        await putOff(dependencies, key).catch((again: unknown) => onReferenceFault(key, again));
      }
      report[outcome] = (report[outcome] ?? 0) + 1;
    }
    return report;
  };

async function putOff({ awaited, clock }: ReferenceSweepDependencies, key: ReferenceKey): Promise<void> {
  const item = await awaited.read(key);
  if (item?.status === 'waiting') await awaited.save(putOffAwaited(item, clock.instant()));
}
