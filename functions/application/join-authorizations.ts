import type { AuthorizationReport } from '../domain/confirmation.ts';
import { hasRecorded } from '../domain/history.ts';
import type { Account, Reference } from '../domain/identifiers.ts';
import { formatInstant, type Instant } from '../domain/instant.ts';
import {
  type KeptAuthorization,
  knownAttempts,
  linkOf,
  triedLater,
  withoutReport,
} from '../domain/kept-authorization.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import type { ChangeDependencies } from './change-record.ts';
import type { KeptAuthorizations, PaymentRequestList } from './ports.ts';
import { recordAuthorization } from './record-authorization.ts';

/** What joining needs. */
export interface JoinDependencies extends ChangeDependencies {
  readonly authorizations: KeptAuthorizations;
  readonly list: PaymentRequestList;
}

/** Records with one reference that are looked at, the newest first: attempts to pay one order. */
const mostWithReference = 25;

/**
 * Links the reports that wait for a reference to the record they belong to, as far as the reference tells. The record is written first,
 * so a report is never lost, and one that is linked twice changes nothing.
 *
 * @returns how many reports are left
 */
export const joinReference =
  (dependencies: JoinDependencies) =>
  async (account: Account, reference: Reference): Promise<number> => {
    const { authorizations, clock } = dependencies;
    const kept = await authorizations.read(account, reference);
    if (!kept) return 0;
    let left = kept;
    for (const report of kept.reports) {
      const records = await recordsWith(dependencies, kept);
      const found = records.some((record) => hasRecorded(record, report.eventId))
        ? 'linked'
        : linkOf(records, reference);
      if (found === 'none' || found === 'several') continue;
      if (found === 'known' && kept.attempts < knownAttempts) continue;
      if (typeof found !== 'string')
        await recordAuthorization(dependencies)(found, linked(report, clock.instant()));
      left = withoutReport(left, report);
    }
    // Another report may have come meanwhile: the next run reads them all.
    await authorizations.save(kept, left.reports.length > 0 ? triedLater(left, clock.instant()) : left);
    return left.reports.length;
  };

/** The report as its record takes it: the write is of now, whenever the report came. */
const linked = (report: AuthorizationReport, now: Instant): AuthorizationReport => ({
  ...report,
  reportedAt: now,
  proof: { ...report.proof, linked_by: 'reference', received_at: formatInstant(report.reportedAt) },
});

async function recordsWith(
  { store, list }: JoinDependencies,
  { account, reference }: KeptAuthorization,
): Promise<readonly PaymentRequest[]> {
  const listed = await list.listed({ by: 'reference', account, reference }, undefined, mostWithReference);
  const records = await Promise.all(listed.map((key) => store.read(key)));
  return records.filter((record) => record !== undefined);
}

/** Joins every report that is due, one reference after the other. Begins none after `until`, in milliseconds since 1970. */
export const joinAuthorizations =
  (
    dependencies: JoinDependencies & {
      /** Called with a reference whose reports could not be joined. The others go on. */
      readonly onFault: (account: Account, error: unknown) => void;
    },
  ) =>
  async (until: number): Promise<number> => {
    const { authorizations, clock, onFault } = dependencies;
    const join = joinReference(dependencies);
    let joined = 0;
    for await (const { account, reference } of authorizations.due(clock.instant())) {
      if (clock.now() >= until) break;
      try {
        await join(account, reference);
        joined += 1;
      } catch (error) {
        onFault(account, error);
      }
    }
    return joined;
  };
