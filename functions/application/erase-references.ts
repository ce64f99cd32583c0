import {
  type Account,
  parseReference,
  type PaymentRequestId,
  type Reference,
  type ReferenceKey,
} from '../domain/identifiers.ts';
import type { ErasedSubject } from '../domain/job-erasure.ts';
import type {
  ErasableAuthorizations,
  ErasableReferences,
  PaymentRequestStore,
  ReferencedPaymentRequests,
} from './ports.ts';

/** What erasing references needs. */
export interface ReferenceErasureDependencies {
  readonly store: Pick<PaymentRequestStore, 'read'>;
  readonly references: ReferencedPaymentRequests;
  readonly awaited: ErasableReferences;
  readonly authorizations: ErasableAuthorizations;
}

/**
 * What became of what is stored of a reference besides its records. `waiting`: a session or a cancel still waits for its Payment Request,
 * so it is left as it is.
 */
export type ErasedReference = ReferenceKey & { readonly outcome: 'erased' | 'waiting' };

/**
 * Erases what waited for references, and reports of authorizations by reference. The references are that of the subject, and those of its
 * records, which must not be erased yet. One that another record has is left. A dry run removes nothing.
 */
export const eraseReferences =
  (dependencies: ReferenceErasureDependencies) =>
  async (
    account: Account,
    subject: Pick<ErasedSubject, 'reference' | 'gone'>,
    isDryRun: boolean,
  ): Promise<readonly ErasedReference[]> => {
    const erased: ErasedReference[] = [];
    for (const reference of await referencesOf(dependencies, account, subject)) {
      if (await isOfAnother(dependencies, { account, reference }, subject.gone)) continue;
      const outcome = await eraseOne(dependencies, { account, reference }, isDryRun);
      if (outcome) erased.push({ account, reference, outcome });
    }
    return erased;
  };

async function referencesOf(
  { store }: Pick<ReferenceErasureDependencies, 'store'>,
  account: Account,
  { reference, gone }: Pick<ErasedSubject, 'reference' | 'gone'>,
): Promise<ReadonlySet<Reference>> {
  const found = new Set(reference === undefined ? [] : [reference]);
  for (const paymentRequestId of gone) {
    const record = await store.read({ account, paymentRequestId });
    const own = parseReference(record?.reference ?? '');
    if (own) found.add(own);
  }
  return found;
}

async function isOfAnother(
  { references }: Pick<ReferenceErasureDependencies, 'references'>,
  { account, reference }: ReferenceKey,
  gone: ReadonlySet<PaymentRequestId>,
): Promise<boolean> {
  for await (const { paymentRequestId } of references.ofReference(account, reference)) {
    if (!gone.has(paymentRequestId)) return true;
  }
  return false;
}

/** `undefined` where nothing is stored. */
async function eraseOne(
  { awaited, authorizations }: Pick<ReferenceErasureDependencies, 'awaited' | 'authorizations'>,
  key: ReferenceKey,
  isDryRun: boolean,
): Promise<ErasedReference['outcome'] | undefined> {
  const item = await awaited.read(key);
  if (item?.status === 'waiting') return 'waiting';
  const reports = await authorizations.read(key.account, key.reference);
  if (!item && !reports) return undefined;
  if (isDryRun) return 'erased';
  // Another caller may have begun to wait meanwhile.
  if (item && !(await awaited.remove(item))) return 'waiting';
  if (reports) await authorizations.remove(reports);
  return 'erased';
}
