/** What must hold for payments after COMPLETED: reports of authorizations, the alert, the lapse and the cancel of what lapsed. */
import { hour } from '../support/sessions.ts';
import type { Outcome, Safety } from './evidence.ts';

/** Milliseconds by which Klarna's times may be early: its clock, and whole seconds. */
const earlyBy = 3_000;

/** A fact about the authorization is true when it is written, and an authorization is never taken off again. */
const confirmationIsSound: Safety = (step, { trueRequest, now }) => {
  if (step.kind !== 'written') return undefined;
  const [before, after] = [step.before?.confirmation, step.after.confirmation];
  const truth = trueRequest(step.after);
  if (before?.authorizedAt !== undefined && after?.authorizedAt !== before.authorizedAt)
    return `authorized at ${before.authorizedAt} became ${after?.authorizedAt ?? 'nothing'}`;
  const isNew = (fact: 'authorizedAt' | 'alertedAt' | 'lapsedAt') =>
    after?.[fact] !== undefined && before?.[fact] === undefined;
  if (isNew('authorizedAt') && truth?.authorizedAt === undefined) return 'it is not authorized at Klarna';
  const approvedAt = truth?.life.find(({ state }) => state === 'COMPLETED')?.at ?? Infinity;
  const since = now - approvedAt + earlyBy;
  if (isNew('alertedAt') && since < (before?.alertAfter ?? hour)) return 'the alert is early';
  if (isNew('lapsedAt') && since < hour) return 'it lapsed early';
  if (isNew('lapsedAt') && after?.authorizedAt !== undefined) return 'an authorized payment lapsed';
  return after?.authorizedAt !== undefined && step.after.attention === 'not_authorized'
    ? 'it is authorized and needs a person for not being so'
    : undefined;
};

/** The watch sends a DELETE only for a payment that lapsed and that the record in hand does not show as authorized. */
const watchCancelsOnlyWhatLapsed: Safety = (step) => {
  if (step.kind !== 'delete-sent' || step.stored?.cancellation?.reason !== 'not_authorized') return undefined;
  if (step.stored.confirmation?.lapsedAt === undefined) return 'the payment has not lapsed';
  return step.inHand?.confirmation?.authorizedAt === undefined
    ? undefined
    : 'the record in hand shows it as authorized';
};

/** A report that was acknowledged is in its record, or waits for the record with its reference. */
const acknowledgedReportIsDurable: Safety = (step) => {
  if (step.kind !== 'authorization-acknowledged' || !step.isBound) return undefined;
  const { names, stored, isKept } = step;
  if (names === 'nothing' || isKept) return undefined;
  if (names === 'id' && stored?.confirmation?.authorizedAt !== undefined) return undefined;
  return `the report was acknowledged and is not stored (${names})`;
};

/** Checked after every step. */
export const confirmationSafety = {
  'confirmation-is-sound': confirmationIsSound,
  'watch-cancels-only-what-lapsed': watchCancelsOnlyWhatLapsed,
  'acknowledged-report-is-durable': acknowledgedReportIsDurable,
} as const satisfies Record<string, Safety>;

/** An approved payment of an account that watches is reported, or lapsed and was told. */
const unauthorizedIsTold = ({
  record,
  truth,
  isSwept,
  isWatched,
  published,
  waits,
}: Outcome): string | undefined => {
  if (!isSwept || !isWatched || record.state !== 'COMPLETED' || !truth) return undefined;
  const { authorizedAt, lapsedAt } = record.confirmation ?? {};
  if (authorizedAt !== undefined) return undefined;
  if (lapsedAt === undefined) return 'it is COMPLETED, and neither authorized nor lapsed';
  const isTold = published.some(({ type }) => type === 'Payment Request Not Authorized');
  // The history may have dropped the entry since.
  return isTold || waits({ recordedAt: lapsedAt }) ? undefined : 'it lapsed, and no event tells that';
};

/** A report by reference is linked in the end, where its payment has the reference and a COMPLETED that is known. */
const reportByReferenceIsLinked = ({ record, truth, isSwept, keptReports }: Outcome): string | undefined => {
  if (!isSwept || !truth || record.state !== 'COMPLETED' || keptReports === 0) return undefined;
  const { authorizedAt, alertedAt } = record.confirmation ?? {};
  return truth.authorizedAt !== undefined && authorizedAt === undefined && alertedAt !== undefined
    ? 'a report with its reference waits, and it needs a person'
    : undefined;
};

/** Checked when no event is left. */
export const confirmationLiveness = {
  'unauthorized-is-told': unauthorizedIsTold,
  'report-by-reference-is-linked': reportByReferenceIsLinked,
} as const satisfies Record<string, (outcome: Outcome) => string | undefined>;
