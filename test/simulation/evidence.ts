/** The input of the invariants: what has just happened at a port, and what exists at the end. */
import type { Item } from '../../functions/adapters/dynamodb/stored-payment-request.ts';
import type { CancelJob } from '../../functions/domain/cancel-job.ts';
import type {
  Account,
  EventId,
  PaymentRequestId,
  PaymentRequestKey,
  SessionId,
} from '../../functions/domain/identifiers.ts';
import type { HistoryEntry } from '../../functions/domain/history-entry.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { type PaymentRequestState, ranks } from '../../functions/domain/payment-request-state.ts';
import type { Registration } from '../../functions/domain/registration.ts';
import type { StateChangeEvent } from '../../functions/domain/state-change-event.ts';
import type { SwitchName } from './plan.ts';
import type { JobFile } from './simulated-jobs.ts';
import type { KlarnaManners, TrueRequest } from './simulated-klarna.ts';
import type { CodeVersion } from './code-version.ts';

/** Something that has just happened at a port. */
export type Step =
  | {
      readonly kind: 'written';
      readonly by: string;
      readonly before: PaymentRequest | undefined;
      readonly after: PaymentRequest;
      /** Whether the writing invocation has read the request at Klarna. */
      readonly hasAsked: boolean;
      /** The DELETEs that the invocation has sent since its last write, successful or not. */
      readonly deletes: number;
      /** Other invocations that have sent a DELETE of it and not recorded the response yet. */
      readonly deletesOut: number;
      /** The items without their histories, and the writing version, if several versions run side by side. */
      readonly items?:
        { readonly before: Item; readonly after: Item; readonly writer: CodeVersion } | undefined;
    }
  | {
      readonly kind: 'delete-sent';
      readonly by: string;
      readonly key: PaymentRequestKey;
      /** What the last read of the same invocation showed, and when it did, if there was one since its last DELETE. */
      readonly lastRead: { readonly state: PaymentRequestState; readonly at: number } | undefined;
      /** The record that the invocation got last from the table. */
      readonly inHand: PaymentRequest | undefined;
      /** The record as it is stored at this moment. */
      readonly stored: PaymentRequest | undefined;
    }
  | {
      readonly kind: 'klarna-called';
      readonly by: string;
      readonly key: PaymentRequestKey;
      /** Calls of this invocation about this request, including this one. */
      readonly reads: number;
      readonly cancels: number;
      /** Attempts that this invocation may make for one request. The sweep also continues jobs. */
      readonly attempts: number;
      /** Calls of all invocations about this request. */
      readonly total: number;
    }
  | {
      readonly kind: 'webhook-acknowledged';
      readonly key: PaymentRequestKey;
      readonly eventId: EventId;
      readonly stored: PaymentRequest | undefined;
      /** The state that the webhook told. */
      readonly said: PaymentRequestState;
      readonly quarantined: boolean;
    }
  | {
      /** A delivery that says nothing about the state of a request got a 200. */
      readonly kind: 'unused-acknowledged';
      readonly eventId: EventId;
      readonly isQuarantined: boolean;
    }
  | {
      /** Klarna's event that a payment is authorized got a 200. */
      readonly kind: 'authorization-acknowledged';
      readonly names: KlarnaManners['namesPayment'];
      readonly stored: PaymentRequest | undefined;
      /** Whether the report waits, or waited, for a record with its reference. */
      readonly isKept: boolean;
      /** Whether the secret says by then whose key signed it. */
      readonly isBound: boolean;
    }
  | {
      readonly kind: 'shown';
      /** The account that asked for its session or its list. */
      readonly to: Account;
      readonly record: PaymentRequest;
      /** The version that was stored at the time of the question. */
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
      /** Whether an operator published the event from the record, and not the stream. */
      readonly isAgain: boolean;
    }
  | {
      /** The stream delivers a write again because it was not published. */
      readonly kind: 'delivered-again';
      /** Milliseconds since it was written. */
      readonly age: number;
      /** Whether the queue of unpublished events failed, or the time of the invocation was over. */
      readonly hasFailed: boolean;
      readonly isRefusedForNow: boolean;
    }
  | {
      /** The result of a replayed delivery is noted in quarantine. */
      readonly kind: 'replayed';
      readonly eventId: string;
      /** The record of the delivery, as it is stored. */
      readonly stored: PaymentRequest | undefined;
    }
  | {
      /** Klarna has ended an open request at its expiry. */
      readonly kind: 'expired';
      readonly truth: TrueRequest;
      readonly stored: PaymentRequest | undefined;
    }
  | {
      readonly kind: 'job-saved';
      readonly before: CancelJob;
      readonly file: JobFile;
    };

/** The facts against which invariants are checked. */
export interface Evidence {
  readonly now: number;
  /** The request as it is at Klarna. */
  readonly trueRequest: (key: PaymentRequestKey) => TrueRequest | undefined;
  /** The record as it is stored. */
  readonly recordOf: (key: PaymentRequestKey) => PaymentRequest | undefined;
  /** The records of a session, as they are stored. */
  readonly membersOf: (account: Account, sessionId: SessionId) => readonly PaymentRequest[];
  /** Whether the index of sessions was behind. */
  readonly isSessionOverlooked: boolean;
  /** The request to whose webhook an event id belongs. */
  readonly ownerOf: (eventId: EventId) => PaymentRequestKey | undefined;
  /** Event ids of deliveries that Klarna never signed. */
  readonly forged: ReadonlySet<string>;
  /** Event ids of deliveries that say nothing about the state of a request. */
  readonly unused: ReadonlyMap<string, unknown>;
  /** Names of the requests whose records an operator has erased. */
  readonly erased: ReadonlySet<string>;
  /** The invocation that made a claim. */
  readonly claims: ReadonlyMap<string, string>;
  /** What the caller of this invocation registers, if it registers. */
  readonly registrationBy: (invocation: string) => Registration | undefined;
  /** The switch that an operator has turned by now, and when, in milliseconds since 1970. */
  readonly switched: { readonly at: number; readonly by: SwitchName } | undefined;
  /** The job in whose name a request is canceled, if any. */
  readonly jobOf: (record: PaymentRequest) => JobFile | undefined;
}

/** A record at the end of a run, with the facts to check it. */
export interface Outcome {
  readonly now: number;
  readonly record: PaymentRequest;
  readonly truth: TrueRequest | undefined;
  /** A timer's message went to the dead-letter queue, which has an alarm. */
  readonly isInDeadLetters: boolean;
  /** Klarna's event ids that were received and acknowledged. */
  readonly acknowledged: ReadonlySet<string>;
  readonly hasSchedule: boolean;
  /** The events that were published, and those that wait in the queue of unpublished events. */
  readonly published: readonly StateChangeEvent[];
  /** Whether the write of an entry waits in that queue, alone or in a batch, and has not been replayed. */
  readonly waits: (entry: Pick<HistoryEntry, 'recordedAt'>) => boolean;
  /** Whether no write of this record waits there. */
  readonly isAllPublished: boolean;
  /** Whether the sweep runs. */
  readonly isSwept: boolean;
  /** All records of its session, with this one. */
  readonly members: readonly PaymentRequest[];
  /** Whether the stream could follow every write, with an index that was never behind. */
  readonly isFollowed: boolean;
  /** Whether the index was behind when attempts were compared. */
  readonly isOverlooked: boolean;
  /** Whether the account watches authorizations. */
  readonly isWatched: boolean;
  /** Reports that wait for its reference. */
  readonly keptReports: number;
}

/** A job at the end of a run, with the facts to check it. */
export interface JobOutcome {
  readonly file: JobFile;
  readonly recordOf: (id: PaymentRequestId) => PaymentRequest | undefined;
  readonly truthOf: (id: PaymentRequestId) => TrueRequest | undefined;
  /** Records that are canceled in the name of the job. */
  readonly canceled: readonly PaymentRequest[];
  /** Whether a sweep died, or could not do all of its work. */
  readonly hasSweepFailed: boolean;
}

export type Safety = (step: Step, evidence: Evidence) => string | undefined;

export const rankOf = (record: PaymentRequest | undefined): number =>
  record?.state === undefined ? -1 : ranks[record.state];
