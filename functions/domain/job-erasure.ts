import type { CancelJob, CancelJobEntry } from './cancel-job.ts';
import type { PaymentRequestId, Reference, SessionId } from './identifiers.ts';

/** All that is stored of a job. */
export interface StoredJob {
  readonly job: CancelJob;
  /** The requests that it names; none for a job by age. */
  readonly names: readonly PaymentRequestId[];
  /** The pages of its report. */
  readonly pages: readonly (readonly CancelJobEntry[])[];
}

/** What an erasure is about. */
export interface ErasedSubject {
  readonly sessionId?: SessionId | undefined;
  readonly reference?: Reference | undefined;
  /** The requests whose records are erased, or were never stored. */
  readonly gone: ReadonlySet<PaymentRequestId>;
  /** Requests of the session or the reference that could not be erased. */
  readonly kept: ReadonlySet<PaymentRequestId>;
}

/**
 * What becomes of a job. `unrelated`: it names nothing of the subject. `running`: it does, and its work is not over. `erased`: what is left
 * of it, and how many lines of its report are gone.
 */
export type JobErasure =
  | { readonly outcome: 'unrelated' }
  | { readonly outcome: 'running' }
  | ({ readonly outcome: 'erased'; readonly lines: number } & StoredJob);

/**
 * Takes out of a job what names the subject: the requests and their lines of the report. The counts stay. Where no request is left, the
 * whole job was about the subject. Then its session or reference and its reason go too.
 */
export function decideJobErasure({ job, names, pages }: StoredJob, subject: ErasedSubject): JobErasure {
  const isItself = selects(job, subject);
  const isGone = (id: PaymentRequestId): boolean => (isItself ? !subject.kept.has(id) : subject.gone.has(id));
  const left = {
    names: names.filter((id) => !isGone(id)),
    pages: pages.map((page) => page.filter(({ paymentRequestId }) => !isGone(paymentRequestId))),
  };
  const lines = pages.flat().length - left.pages.flat().length;
  const isNamed = isItself || lines > 0 || left.names.length < names.length;
  const isChosen = job.chosen?.ids.some(isGone) ?? false;
  if (!isNamed && !isChosen) return { outcome: 'unrelated' };
  if (job.dueAt !== undefined) return { outcome: 'running' };
  const isWhole = left.names.length === 0 && left.pages.flat().length === 0;
  return { outcome: 'erased', lines, ...left, job: isWhole ? withoutSubject(job) : job };
}

/** Whether the job was started for the session or the reference. */
const selects = ({ selection }: CancelJob, { sessionId, reference }: ErasedSubject): boolean =>
  (selection.by === 'session_id' && sessionId !== undefined && selection.sessionId === sessionId) ||
  (selection.by === 'reference' && reference !== undefined && selection.reference === reference);

/** A job by age is about all requests of its time, so its reason stays. */
function withoutSubject(job: CancelJob): CancelJob {
  const { selection } = job;
  switch (selection.by) {
    case 'created_before':
      return job;
    case 'payment_request_ids':
      return { ...job, reason: undefined };
    case 'session_id':
      return { ...job, reason: undefined, selection: { ...selection, sessionId: undefined } };
    case 'reference':
      return { ...job, reason: undefined, selection: { ...selection, reference: undefined } };
  }
}
