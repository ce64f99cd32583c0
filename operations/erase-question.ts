import type { ErasedJob, ErasedRecord } from '../functions/application/erase-records.ts';
import type { ErasedReference } from '../functions/application/erase-references.ts';

/** What an erasure would do, from a dry run. */
export interface ErasurePlan {
  readonly records: readonly ErasedRecord[];
  readonly jobs: readonly ErasedJob[];
  readonly references: readonly ErasedReference[];
  /** How many webhooks in quarantine would be removed. */
  readonly deliveries: number;
}

type Outcome = ErasedRecord['outcome'] | ErasedJob['outcome'] | ErasedReference['outcome'];

const leftOutcomes: ReadonlySet<Outcome> = new Set<Outcome>([
  'open',
  'unsettled',
  'session_open',
  'running',
  'waiting',
]);

/** Whether it is left as it is, because it is still needed. */
export const isLeft = ({ outcome }: { readonly outcome: Outcome }): boolean => leftOutcomes.has(outcome);

/** Whether it is erased now, and was not before. */
export const isErased = ({ outcome }: { readonly outcome: Outcome }): boolean => outcome === 'erased';

/** The question before an erasure: what goes, and the names of what stays. `undefined` where nothing goes. */
export function eraseQuestion({ records, jobs, references, deliveries }: ErasurePlan): string | undefined {
  const goes = [
    counted(records.filter(isErased).length, (many) => `record${many}`),
    counted(jobs.filter(isErased).length, (many) => `cancel job${many}`, 'parts of '),
    counted(references.filter(isErased).length, (many) => `reference${many}`, 'what waited for '),
    counted(deliveries, (many) => `webhook${many} in quarantine`),
  ].flat();
  if (goes.length === 0) return undefined;
  const stays = [
    ...records.filter(isLeft).map(({ paymentRequestId }) => paymentRequestId),
    ...jobs.filter(isLeft).map(({ jobId }) => `cancel job ${jobId}`),
    ...references.filter(isLeft).map(({ reference }) => `reference ${reference}`),
  ];
  const question = `Erase ${listed(goes)}? It cannot be undone.`;
  return stays.length === 0 ? question : `${question} These stay: ${listed(shortened(stays))}.`;
}

const counted = (count: number, noun: (many: string) => string, before = ''): readonly string[] =>
  count === 0 ? [] : [`${before}${count} ${noun(count === 1 ? '' : 's')}`];

/** Names that are shown. The results name each. */
const mostNames = 5;

const shortened = (names: readonly string[]): readonly string[] =>
  names.length <= mostNames
    ? names
    : [...names.slice(0, mostNames), `${names.length - mostNames} more, which a dry run names`];

const listed = (parts: readonly string[]): string =>
  [parts.slice(0, -1).join(', '), ...parts.slice(-1)].filter((part) => part !== '').join(' and ');
