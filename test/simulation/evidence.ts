/** What the invariants are asked of: what has just happened at a port, and what there is in the end. */
import type { Item } from '../../functions/adapters/dynamodb/payment-request-item.ts';
import type { CancelJob } from '../../functions/domain/cancel-job.ts';
import type {
  Account,
  EventId,
  PaymentRequestId,
  PaymentRequestKey,
} from '../../functions/domain/identifiers.ts';
import type { HistoryEntry, PaymentRequest } from '../../functions/domain/payment-request.ts';
import { type PaymentRequestState, ranks } from '../../functions/domain/payment-request-state.ts';
import type { StateChangeEvent } from '../../functions/domain/state-change-event.ts';
import type { JobFile } from './simulated-jobs.ts';
import type { TrueRequest } from './simulated-klarna.ts';
import type { CodeVersion } from './code-version.ts';

/** Something that has just happened at a port. */
export type Step =
  | {
      readonly kind: 'written';
      readonly by: string;
      readonly before: PaymentRequest | undefined;
      readonly after: PaymentRequest;
      /** The invocation that writes has read the request at Klarna. */
      readonly hasAsked: boolean;
      /** DELETEs of it that the invocation has sent since it wrote last, or failed to. */
      readonly deletes: number;
      /** The items, without their histories, and the version that writes; where several run side by side. */
      readonly items?:
        { readonly before: Item; readonly after: Item; readonly writer: CodeVersion } | undefined;
    }
  | {
      readonly kind: 'delete-sent';
      readonly by: string;
      readonly key: PaymentRequestKey;
      /** What the last read of the same invocation showed, if there was one since its last DELETE. */
      readonly lastRead: PaymentRequestState | undefined;
      /** The record as it is stored at this moment. */
      readonly stored: PaymentRequest | undefined;
    }
  | {
      readonly kind: 'klarna-called';
      readonly by: string;
      readonly key: PaymentRequestKey;
      /** Calls of this invocation about this request, this one included. */
      readonly reads: number;
      readonly cancels: number;
      /** Attempts that this invocation may make at one request: the sweep goes on with jobs besides. */
      readonly attempts: number;
      /** Calls of all invocations about it. */
      readonly total: number;
    }
  | {
      readonly kind: 'webhook-acknowledged';
      readonly key: PaymentRequestKey;
      readonly eventId: EventId;
      readonly stored: PaymentRequest | undefined;
      readonly quarantined: boolean;
    }
  | {
      readonly kind: 'shown';
      /** The account that asked for its session, or its list. */
      readonly to: Account;
      readonly record: PaymentRequest;
      /** The version that was stored when it asked. */
      readonly least: number;
      /** The record as it is stored now. */
      readonly stored: PaymentRequest | undefined;
    }
  | {
      readonly kind: 'published';
      readonly event: StateChangeEvent;
      /** The write of the event's version, if there was one. */
      readonly written:
        { readonly before: PaymentRequest | undefined; readonly after: PaymentRequest } | undefined;
      /** From the record, by an operator, and not from the stream. */
      readonly isAgain: boolean;
    }
  | {
      /** What became of a delivery from quarantine is noted there. */
      readonly kind: 'replayed';
      readonly eventId: string;
      /** The record that it is about, as it is stored. */
      readonly stored: PaymentRequest | undefined;
    }
  | {
      /** Klarna has ended what was open at its expiry. */
      readonly kind: 'expired';
      readonly truth: TrueRequest;
      readonly stored: PaymentRequest | undefined;
    }
  | {
      readonly kind: 'job-saved';
      readonly before: CancelJob;
      readonly file: JobFile;
    };

/** What the invariants are checked against. */
export interface Evidence {
  readonly now: number;
  /** The request as it is at Klarna. */
  readonly trueRequest: (key: PaymentRequestKey) => TrueRequest | undefined;
  /** Whose webhook an event id belongs to. */
  readonly ownerOf: (eventId: EventId) => PaymentRequestKey | undefined;
  /** Event ids of deliveries that Klarna never signed. */
  readonly forged: ReadonlySet<string>;
  /** Which invocation made a claim. */
  readonly claims: ReadonlyMap<string, string>;
  /** The job in whose name a request is canceled, if one does. */
  readonly jobOf: (record: PaymentRequest) => JobFile | undefined;
}

/** A record at the end of a run, and what is to be known of it. */
export interface Outcome {
  readonly now: number;
  readonly record: PaymentRequest;
  readonly truth: TrueRequest | undefined;
  /** A timer's message went to the dead-letter queue, where an alarm is. */
  readonly isInDeadLetters: boolean;
  /** Klarna's event ids that were received and acknowledged. */
  readonly acknowledged: ReadonlySet<string>;
  readonly hasSchedule: boolean;
  readonly published: readonly StateChangeEvent[];
  /** Whether the stream has given up to publish what it says, and nobody has put that through again. */
  readonly waits: (entry: HistoryEntry) => boolean;
  /** Whether the sweep runs. */
  readonly isSwept: boolean;
}

/** A job at the end of a run, and what is to be known of what it canceled. */
export interface JobOutcome {
  readonly file: JobFile;
  readonly recordOf: (id: PaymentRequestId) => PaymentRequest | undefined;
  readonly truthOf: (id: PaymentRequestId) => TrueRequest | undefined;
  /** Records that are canceled in its name. */
  readonly canceled: readonly PaymentRequest[];
  /** Whether a sweep has died, or could not do all that it wanted. */
  readonly hasSweepFailed: boolean;
}

export type Safety = (step: Step, evidence: Evidence) => string | undefined;

export const rankOf = (record: PaymentRequest | undefined): number =>
  record?.state === undefined ? -1 : ranks[record.state];
