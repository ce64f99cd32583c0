import type { UnusedReason } from '../../functions/application/receive-webhook.ts';
import type { QuarantinedDelivery } from '../../functions/domain/quarantined-delivery.ts';
import type { AwaitedReference } from '../../functions/domain/awaited-reference.ts';
import type { CancelJob } from '../../functions/domain/cancel-job.ts';
import type { PaymentRequestId, PaymentRequestKey } from '../../functions/domain/identifiers.ts';
import { instantFromMillis, millisOf } from '../../functions/domain/instant.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import type { Registration } from '../../functions/domain/registration.ts';
import type { StateChangeEvent } from '../../functions/domain/state-change-event.ts';
import { type InMemoryQuarantine, nameOf } from '../support/in-memory-payment-request-store.ts';
import { minute } from '../support/sessions.ts';
import { TransientError } from '../../functions/domain/transient-error.ts';
import { type Ending, type Engine, type FunctionName, InjectedFault, type Task } from './engine.ts';
import type { Evidence, JobOutcome, Outcome, Step } from './evidence.ts';
import { type InvariantName, lateInvariants, safetyInvariants, soonInvariants } from './invariants.ts';
import { erasureSafety, isOfATombstone } from './erasure-invariants.ts';
import { jobLiveness } from './job-invariants.ts';
import type { InMemoryKeptAuthorizations } from '../support/in-memory-kept-authorizations.ts';
import { awaitedLiveness, type AwaitedOutcome, joinInvariants } from './reference-invariants.ts';
import { beginning, type Plan } from './plan.ts';
import type { Said, SaidAuthorization, SimulatedKlarna, TrueRequest } from './simulated-klarna.ts';
import type { SimulatedJobs } from './simulated-jobs.ts';
import type { SimulatedQueue } from './simulated-queue.ts';
import type { ItemWrite, SimulatedTable } from './simulated-table.ts';
import type { SimulatedTimers } from './simulated-timers.ts';
import { timerOf, waitingIn } from './queue-bodies.ts';
import type { CodeVersion } from './code-version.ts';
import { shortOf, wordsOf, wordsOfEnding } from './describe-step.ts';

export interface Violation {
  readonly invariant: InvariantName;
  readonly what: string;
  readonly at: number;
}

/** The parts of a history that the judge can see. */
export interface Scene {
  readonly plan: Plan;
  readonly engine: Engine;
  readonly table: SimulatedTable;
  readonly klarna: SimulatedKlarna;
  readonly timers: SimulatedTimers;
  readonly quarantine: InMemoryQuarantine;
  readonly jobs: SimulatedJobs;
  readonly authorizations: InMemoryKeptAuthorizations;
  readonly deadTimers: SimulatedQueue;
  readonly unpublished: SimulatedQueue;
}

/**
 * Sees everything that happens at a port, collects the input of the invariants, and ends the run if one does not
 * hold.
 */
export class Judge {
  violation: Violation | undefined;
  /** The request to whose webhook an event belongs. */
  readonly owners = new Map<string, PaymentRequestKey>();
  /** Event ids of deliveries that Klarna never signed. */
  readonly forged = new Set<string>();
  /** Event ids of deliveries that say nothing about the state of a request, and why. */
  readonly unused = new Map<string, UnusedReason>();
  /** Names of the requests whose records an operator has erased. */
  readonly erased = new Set<string>();
  /** Event ids that got a 200 and are not in quarantine, or no longer. */
  readonly acknowledged = new Set<string>();
  readonly published: StateChangeEvent[] = [];
  /** All that was stored of what waits for references, in order. */
  readonly awaited: AwaitedReference[] = [];
  /** What each caller registers, by the name of the action. */
  readonly registrations = new Map<string, Registration>();
  /** How often each event reached a record in each state, by `state × event`. */
  readonly meetings = new Map<string, number>();
  /**
   * Milliseconds from the deadline until the record was canceled, for every session that a timer or the sweep ended.
   */
  readonly lateness: number[] = [];
  /** Calls to Klarna by all invocations, by request. */
  readonly totals = new Map<string, number>();
  readonly #claims = new Map<string, string>();
  readonly #calls = new Map<string, { reads: number; cancels: number }>();
  /** DELETEs whose result their sender has not recorded yet. */
  readonly #deletes = new Map<string, number>();
  readonly #lastReads = new Map<string, { readonly state: PaymentRequestState; readonly at: number }>();
  /** The record that each invocation got last from the table. */
  readonly #inHand = new Map<string, PaymentRequest | undefined>();
  /** Invocations of which the bus refused events for now. */
  readonly #refusedForNow = new Set<string>();
  #hasSweepFailed = false;
  #hasFollowFailed = false;
  readonly #scene: Scene;
  readonly #evidence: Evidence;

  constructor(scene: Scene) {
    this.#scene = scene;
    const { engine, klarna, jobs } = scene;
    this.#evidence = {
      get now() {
        return engine.now;
      },
      trueRequest: (key) => klarna.of(key),
      recordOf: (key) => scene.table.records.get(nameOf(key)),
      membersOf: (account, sessionId) =>
        scene.table
          .sessionKeys(account, sessionId)
          .flatMap((key) => scene.table.records.get(nameOf(key)) ?? []),
      get isSessionOverlooked() {
        return isSessionOverlooked(engine);
      },
      ownerOf: (eventId) => this.owners.get(eventId),
      forged: this.forged,
      unused: this.unused,
      erased: this.erased,
      claims: this.#claims,
      get switched() {
        const { switched } = scene.plan;
        if (!switched || engine.now < beginning + switched.at) return undefined;
        return { ...switched, at: beginning + switched.at };
      },
      registrationBy: (invocation) => this.registrations.get(invocation.replace(/ #\d+$/, '')),
      jobOf: ({ cancellation }) =>
        cancellation && jobs.files.find(({ job }) => isInNameOf(job, cancellation.requestedBy)),
    };
  }

  violate(invariant: InvariantName, what: string): void {
    const { engine } = this.#scene;
    this.violation ??= { invariant, what, at: engine.now };
    engine.stop();
  }

  check(step: Step): void {
    for (const { name, violation } of isOfATombstone(step) ? safetyOfTombstones : safety) {
      const what = violation(step, this.#evidence);
      if (what !== undefined) this.violate(name, what);
    }
  }

  /** Counts that an event reached a record. */
  meets(key: PaymentRequestKey, event: string): void {
    const record = this.#scene.table.records.get(nameOf(key));
    const meeting = `${record ? (record.state ?? 'no state') : 'no record'} × ${event}`;
    this.meetings.set(meeting, (this.meetings.get(meeting) ?? 0) + 1);
  }

  written(by: string, writer: CodeVersion, { before, after, itemBefore, itemAfter }: ItemWrite): void {
    const { plan } = this.#scene;
    const { engine } = this.#scene;
    const lease = after.cancellation?.lease;
    if (lease && !this.#claims.has(lease.id)) this.#claims.set(lease.id, by);
    engine.note(by, () => `   written: ${wordsOf(before)} → ${wordsOf(after)}`);
    const { deadlineAt } = after;
    const isEndOfSession =
      after.cancellation?.cause === 'timeout' && after.cancellation.outcome === 'canceled';
    if (deadlineAt && isEndOfSession && before?.cancellation?.outcome !== 'canceled') {
      const late = engine.now - millisOf(deadlineAt);
      this.lateness.push(late);
      // An account that is over its share of Klarna's limit waits for its turn.
      const isPromised = plan.mode === 'lossless' && plan.isSweepTheTimer && plan.overShare !== after.account;
      if (isPromised && late > mostByTheSweep)
        this.violate('the-sweep-is-on-time', `${late} ms after the deadline`);
    }
    const hasAsked = (this.#calls.get(`${by} ${nameOf(after)}`)?.reads ?? 0) > 0;
    const items = plan.rollout && { before: itemBefore, after: itemAfter, writer };
    // A run of the sweep may mark a record, as one of several, while it cancels it. The claim is as it was then.
    const leaseId = after.cancellation?.lease?.id;
    const isOther = leaseId !== undefined && leaseId === before?.cancellation?.lease?.id;
    const deletes = isOther ? 0 : (this.#deletes.get(`${by} ${nameOf(after)}`) ?? 0);
    if (!isOther) this.#deletes.delete(`${by} ${nameOf(after)}`);
    const deletesOut = [...this.#deletes.keys()].filter((name) => name.endsWith(` ${nameOf(after)}`)).length;
    this.check({ kind: 'written', by, before, after, hasAsked, deletes, deletesOut, items });
  }

  /** Klarna has ended a request at its expiry. */
  expired(truth: TrueRequest): void {
    this.check({ kind: 'expired', truth, stored: this.#scene.table.records.get(nameOf(truth.key)) });
  }

  klarnaIsAsked(task: Task, what: 'read' | 'cancel', key: PaymentRequestKey): void {
    const name = `${task.name} ${nameOf(key)}`;
    const calls = this.#calls.get(name) ?? { reads: 0, cancels: 0 };
    this.#calls.set(name, calls);
    if (what === 'read') calls.reads += 1;
    else {
      calls.cancels += 1;
      this.#deletes.set(name, (this.#deletes.get(name) ?? 0) + 1);
    }
    const total = (this.totals.get(nameOf(key)) ?? 0) + 1;
    this.totals.set(nameOf(key), total);
    // A run of the sweep carries out what is due of the record, of each job, and of the cancels kept for its reference.
    const kept = this.awaited.length > 0 ? 1 : 0;
    const attempts = task.function === 'sweep' ? 1 + this.#scene.jobs.files.length + kept : 1;
    this.check({ kind: 'klarna-called', by: task.name, key, ...calls, attempts, total });
    if (what === 'cancel') {
      const stored = this.#scene.table.records.get(nameOf(key));
      const inHand = this.#inHand.get(name);
      this.check({
        kind: 'delete-sent',
        by: task.name,
        key,
        lastRead: this.#lastReads.get(name),
        inHand,
        stored,
      });
    }
    // Each DELETE needs a read of its own. A read of another part of the same run leaves that one as it is.
    if (what === 'cancel') this.#lastReads.delete(name);
  }

  klarnaHasShown(task: Task, key: PaymentRequestKey, state: PaymentRequestState): void {
    const { now } = this.#scene.engine;
    this.#lastReads.set(`${task.name} ${nameOf(key)}`, { state, at: now });
  }

  /** The table has given an invocation a record, or told it that its own version is stored. */
  hasInHand(task: Task, key: PaymentRequestKey, record: PaymentRequest | undefined): void {
    this.#inHand.set(`${task.name} ${nameOf(key)}`, record);
  }

  isAcknowledged(said: Said): void {
    const { table, quarantine } = this.#scene;
    const { key, eventId } = said;
    const stored = table.records.get(nameOf(key));
    const quarantined = quarantine.deliveries.some(({ deliveryId }) => deliveryId === eventId);
    if (!quarantined || stored?.history.some((entry) => entry.eventId === eventId))
      this.acknowledged.add(eventId);
    this.check({ kind: 'webhook-acknowledged', key, eventId, said: said.state, stored, quarantined });
  }

  /**
   * A delivery that says nothing about a state got a 200. One without a state is quarantined while the secret is wrong about its key,
   * as another account's. An attempt of that time may have kept it.
   */
  isUnused({ eventId }: Pick<Said, 'eventId'>): void {
    const { plan, quarantine } = this.#scene;
    const isOtherFamily = this.unused.get(eventId) === 'other_family';
    const mendedAt = instantFromMillis(beginning + plan.keysMendedAt + minute);
    const isQuarantined = quarantine.deliveries.some(
      ({ deliveryId, receivedAt }) => deliveryId === eventId && (isOtherFamily || receivedAt > mendedAt),
    );
    this.check({ kind: 'unused-acknowledged', eventId, isQuarantined });
  }

  isAuthorizationAcknowledged({ key, eventId, names }: SaidAuthorization): void {
    const { table, authorizations, plan, engine } = this.#scene;
    const stored = table.records.get(nameOf(key));
    const isKept = [...authorizations.items.values()].some(({ ids }) => ids.includes(eventId));
    const isBound = engine.now > beginning + plan.keysMendedAt + minute;
    this.check({ kind: 'authorization-acknowledged', names, stored, isKept, isBound });
  }

  /** A quarantined delivery counts as accepted. */
  hasReplayed({ deliveryId }: QuarantinedDelivery): void {
    if (this.unused.has(deliveryId)) return;
    const owner = this.owners.get(deliveryId);
    this.acknowledged.add(deliveryId);
    const stored = owner && this.#scene.table.records.get(nameOf(owner));
    // A report of an authorization may wait for its record.
    if (stored?.confirmation?.authorizedAt !== undefined || isReport(deliveryId)) return;
    this.check({ kind: 'replayed', eventId: deliveryId, stored });
  }

  jobSaved(by: string, before: CancelJob, next: CancelJob): void {
    const { engine, jobs } = this.#scene;
    const file = jobs.fileOf(next);
    if (file?.job !== next || before === next) return;
    engine.note(
      by,
      () => `   ${next.jobId}: ${next.status}, ${next.done} done ${JSON.stringify(next.outcomes)}`,
    );
    this.check({ kind: 'job-saved', before, file });
  }

  /** The bus has accepted an event. */
  hasPublished(event: StateChangeEvent, isAgain: boolean): void {
    const { engine, table } = this.#scene;
    const { account, payment_request_id, version } = event.detail;
    if (payment_request_id === null) {
      this.published.push(event);
      engine.note('bus', () => `${event.type}: ${event.detail.reference ?? ''}`);
      return;
    }
    const written = table.stream.find(
      ({ after }) =>
        after.version === version &&
        after.paymentRequestId === payment_request_id &&
        after.account === account,
    );
    this.check({ kind: 'published', event, written, isAgain });
    this.published.push(event);
    engine.note('bus', () => `${event.type}: ${event.detail.state ?? ''} v${version}`);
  }

  /** The bus refuses events of this invocation for now. */
  busRefusesForNow({ name }: Task): void {
    this.#refusedForNow.add(name);
  }

  hasRefusedForNow(name: string): boolean {
    return this.#refusedForNow.has(name);
  }

  ended(name: string, kind: FunctionName, ending: Ending<unknown>): void {
    if (kind === 'sweep' && ending.kind !== 'returned') this.#hasSweepFailed = true;
    this.#scene.engine.note(name, () => `ends: ${wordsOfEnding(ending)}`);
    if (ending.kind === 'threw') this.#failsAsExpected(ending.error);
  }

  failed(task: Task, where: string, error: unknown): void {
    if (task.function === 'sweep') this.#hasSweepFailed = true;
    this.#scene.engine.note(task.name, () => `   fault at ${where}: ${String(error)}`);
    // What Klarna said may be lost with the failed write, as in a function that is stopped.
    for (const name of this.#deletes.keys()) if (name.startsWith(`${task.name} `)) this.#deletes.delete(name);
    this.#failsAsExpected(error);
  }

  /** An injected fault, or a change that gave up in time because the table was slow or its responses were lost. */
  #failsAsExpected(error: unknown): void {
    const { engine, plan } = this.#scene;
    const isSlow =
      plan.slowestMillis > 50 ||
      [...engine.injected.keys()].some((fault) => / (slow|repeat(-late)?)$/.test(fault));
    if (error instanceof InjectedFault || (error instanceof TransientError && isSlow)) return;
    this.violate('nothing-fails', String(error));
  }

  /** The stream could not follow a write. It comes again, within bounds. */
  followFailed(task: Task, where: string, error: unknown): void {
    this.#hasFollowFailed = true;
    this.failed(task, where, error);
  }

  /** A little more than an hour after the faults stopped, or later if a deadline is still to come. */
  checkSoon(): void {
    const { engine, table } = this.#scene;
    engine.after(75 * minute, () => {
      const deadlines = [...table.records.values()].map(({ deadlineAt }) =>
        deadlineAt ? millisOf(deadlineAt) : 0,
      );
      const last = Math.max(0, ...deadlines);
      if (last > engine.now - 75 * minute) {
        engine.at(last, () => this.checkSoon());
        return;
      }
      for (const outcome of this.#outcomes()) {
        for (const name of soonNames) {
          const what = soonInvariants[name](outcome);
          if (what !== undefined) this.violate(name, `${shortOf(outcome.record)}: ${what}`);
        }
      }
    });
  }

  /** The checks when no event is left. */
  checkLate(): void {
    for (const outcome of this.#outcomes()) {
      for (const name of lateNames) {
        const what = lateInvariants[name](outcome);
        if (what !== undefined) this.violate(name, `${shortOf(outcome.record)}: ${what}`);
      }
    }
    for (const outcome of this.#awaitedOutcomes()) {
      for (const name of awaitedNames) {
        const what = awaitedLiveness[name](outcome);
        if (what !== undefined) this.violate(name, `${outcome.item.reference}: ${what}`);
      }
    }
    for (const outcome of this.#jobOutcomes()) {
      for (const name of jobNames) {
        const what = jobLiveness[name](outcome);
        if (what !== undefined) this.violate(name, `${outcome.file.job.jobId}: ${what}`);
      }
    }
  }

  /** Something that waits for a reference is stored. */
  awaitedIsStored(item: AwaitedReference): void {
    const { engine } = this.#scene;
    this.awaited.push(item);
    engine.note('references', () => `${item.reference} v${item.version}: ${item.status}`);
    const outcome = this.#awaitedOutcomeOf(item);
    for (const name of joinNames) {
      const what = joinInvariants[name](outcome);
      if (what !== undefined) this.violate(name, `${item.reference}: ${what}`);
    }
  }

  #awaitedOutcomeOf(item: AwaitedReference): AwaitedOutcome {
    const { engine, table, plan, unpublished } = this.#scene;
    const { account, reference, since, paymentRequestId } = item;
    const isIts = (each: AwaitedReference) =>
      each.account === account && each.reference === reference && each.since === since;
    return {
      now: new Date(engine.now).toISOString(),
      item,
      versions: this.awaited.filter(isIts),
      joined: paymentRequestId && table.records.get(nameOf({ account, paymentRequestId })),
      // Of an erased record, no index tells that it was seen.
      written: table.stream.flatMap(({ after }) => {
        const isNamed = after.account === account && after.reference === reference;
        // A caller may have given the request another reference since.
        const isStill = table.records.get(nameOf(after))?.reference === reference;
        return isNamed && isStill && !this.erased.has(nameOf(after)) ? [after] : [];
      }),
      isPublished: [...this.published, ...waitingIn(unpublished.bodies).events].some(
        ({ type, detail }) => type === 'Payment Request Never Seen' && detail.reference === reference,
      ),
      isFollowed: plan.relayTries === Infinity,
      isOverlooked: [...engine.injected.keys()].some((fault) =>
        /(references\.ofReference|awaited\.due) overlook$/.test(fault),
      ),
      isSwept: plan.mode !== 'unswept',
    };
  }

  #awaitedOutcomes(): readonly AwaitedOutcome[] {
    const last = new Map(this.awaited.map((item) => [`${item.account} ${item.reference}`, item]));
    return [...last.values()].map((item) => this.#awaitedOutcomeOf(item));
  }

  #jobOutcomes(): readonly JobOutcome[] {
    const { jobs, table, klarna } = this.#scene;
    return jobs.files.map((file) => {
      const { job } = file;
      const keyOf = (paymentRequestId: PaymentRequestId) => ({ account: job.account, paymentRequestId });
      return {
        file,
        recordOf: (id) => table.records.get(nameOf(keyOf(id))),
        truthOf: (id) => klarna.of(keyOf(id)),
        canceled: [...table.records.values()].filter(
          ({ account, cancellation }) =>
            account === job.account && cancellation && isInNameOf(job, cancellation.requestedBy),
        ),
        hasSweepFailed: this.#hasSweepFailed,
      };
    });
  }

  #outcomes(): readonly Outcome[] {
    const { engine, table, klarna, timers, plan, deadTimers, unpublished, authorizations } = this.#scene;
    const dead = new Set(deadTimers.bodies.map((body) => nameOf(timerOf(body))));
    const waiting = waitingIn(unpublished.bodies);
    const records = [...table.records.values()].filter(({ erasedAt }) => erasedAt === undefined);
    return records.map((record: PaymentRequest) => ({
      now: engine.now,
      record,
      truth: klarna.of(record),
      isInDeadLetters: dead.has(nameOf(record)),
      acknowledged: this.acknowledged,
      hasSchedule: timers.schedules.has(nameOf(record)),
      published: [...this.published, ...waiting.events].filter(
        ({ detail }) =>
          detail.account === record.account && detail.payment_request_id === record.paymentRequestId,
      ),
      isAllPublished: !waiting.windows.some(({ key }) => !key || nameOf(key) === nameOf(record)),
      waits: ({ recordedAt }) =>
        waiting.windows.some(
          ({ key, since, until }) =>
            (!key || nameOf(key) === nameOf(record)) && recordedAt >= since && recordedAt <= until,
        ),
      isSwept: plan.mode !== 'unswept',
      members: [...table.records.values()].filter(
        ({ account, sessionId }) =>
          account === record.account && sessionId !== undefined && sessionId === record.sessionId,
      ),
      isFollowed: plan.poisonRate === 0 && plan.relayTries === Infinity && !this.#hasFollowFailed,
      isOverlooked: isSessionOverlooked(engine),
      isWatched: plan.accounts.some((each) => each.account === record.account && each.watchAuthorization),
      // An older version does not know references.
      keptReports: plan.rollout
        ? 0
        : [...authorizations.items.values()]
            .filter(({ account, reference }) => account === record.account && reference === record.reference)
            .reduce((sum, { reports }) => sum + reports.length, 0),
    }));
  }
}

/** Whether an event is that of an authorization: a request has one, and its number is far behind those of its states. */
const isReport = (eventId: string): boolean => eventId.endsWith('-1000');

/** How a record names the caller of a cancel that a job requested. */
const isInNameOf = ({ jobId }: CancelJob, requestedBy: string): boolean =>
  requestedBy.endsWith(`cancel job ${jobId}`);

/** A sweep starts every minute, and gets its responses from Klarna within a few seconds if nothing goes wrong. */
const mostByTheSweep = minute + 5_000;

/** What also holds for the write of a tombstone. */
const ofEveryWrite: readonly InvariantName[] = [
  'nothing-crosses-accounts',
  'versions-have-no-gaps',
  'final-state-never-changes',
  'rank-never-falls',
];

const safety = (Object.keys(safetyInvariants) as (keyof typeof safetyInvariants)[]).map((name) => ({
  name,
  violation: safetyInvariants[name],
}));
const safetyOfTombstones = safety.filter(({ name }) => name in erasureSafety || ofEveryWrite.includes(name));
const soonNames = Object.keys(soonInvariants) as (keyof typeof soonInvariants)[];
const lateNames = Object.keys(lateInvariants) as (keyof typeof lateInvariants)[];
const joinNames = Object.keys(joinInvariants) as (keyof typeof joinInvariants)[];
const awaitedNames = Object.keys(awaitedLiveness) as (keyof typeof awaitedLiveness)[];
const jobNames = Object.keys(jobLiveness) as (keyof typeof jobLiveness)[];

/** Whether the index of sessions has overlooked a request. */
const isSessionOverlooked = ({ injected }: Pick<Engine, 'injected'>): boolean =>
  [...injected.keys()].some((fault) => /sessions.ofSession overlook$/.test(fault));
