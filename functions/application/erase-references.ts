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
 * Erases what waited for references, and reports of authorizations by reference. The references are that of the subject, those of its
 * records, which must not be erased yet, and those for which its session was registered. One that another record has is left. But a
 * session that was registered for it goes, unless a record of that session is kept. A dry run removes nothing.
 */
export const eraseReferences =
  (dependencies: ReferenceErasureDependencies) =>
  async (
    account: Account,
    subject: ErasedSubject,
    isDryRun: boolean,
  ): Promise<readonly ErasedReference[]> => {
    const erased: ErasedReference[] = [];
    const registered = await registeredFor(dependencies, account, subject);
    const named = await referencesOf(dependencies, account, subject);
    for (const reference of new Set([...named, ...registered])) {
      const key = { account, reference };
      const others = await othersWith(dependencies, key, subject.gone);
      const isOfAnother = others.length > 0;
      const isKept = !registered.has(reference) || others.some((id) => subject.kept.has(id));
      if (isOfAnother && isKept) continue;
      const outcome = await eraseOne(dependencies, key, { isOfAnother, isDryRun });
      if (outcome) erased.push({ ...key, outcome });
    }
    return erased;
  };

/** The references for which the session of the subject was registered, before its request was seen. */
async function registeredFor(
  { awaited }: Pick<ReferenceErasureDependencies, 'awaited'>,
  account: Account,
  { sessionId }: Pick<ErasedSubject, 'sessionId'>,
): Promise<ReadonlySet<Reference>> {
  const found = new Set<Reference>();
  if (sessionId === undefined) return found;
  for await (const reference of awaited.ofSession(account, sessionId)) found.add(reference);
  return found;
}

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

/** The requests with the reference that are not erased with it. */
async function othersWith(
  { references }: Pick<ReferenceErasureDependencies, 'references'>,
  { account, reference }: ReferenceKey,
  gone: ReadonlySet<PaymentRequestId>,
): Promise<readonly PaymentRequestId[]> {
  const others: PaymentRequestId[] = [];
  for await (const { paymentRequestId } of references.ofReference(account, reference)) {
    if (!gone.has(paymentRequestId)) others.push(paymentRequestId);
  }
  return others;
}

/** `undefined` where nothing is stored. */
async function eraseOne(
  { awaited, authorizations }: Pick<ReferenceErasureDependencies, 'awaited' | 'authorizations'>,
  key: ReferenceKey,
  { isOfAnother, isDryRun }: { readonly isOfAnother: boolean; readonly isDryRun: boolean },
): Promise<ErasedReference['outcome'] | undefined> {
  const item = await awaited.read(key);
  if (item?.status === 'waiting') return 'waiting';
  const reports = isOfAnother ? undefined : await authorizations.read(key.account, key.reference);
  if (!item && !reports) return undefined;
  if (isDryRun) return 'erased';
  // Another caller may have begun to wait meanwhile.
  if (item && !(await awaited.remove(item))) return 'waiting';
  if (reports) await authorizations.remove(reports);
  return 'erased';
}
