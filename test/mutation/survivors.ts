import type { Change } from './change.ts';

/** A change that no test can notice, and why not. */
export interface Survivor extends Change {
  readonly why: string;
}

const forTheCompiler = 'The compiler wants the check: a comparison with undefined is false without it.';
const alwaysMatches =
  'The compiler wants the default: a group that always takes part in a match has a value.';

const askKlarna = 'functions/application/ask-klarna.ts';
const expiry = 'functions/domain/session-timer.ts';
const instant = 'functions/domain/instant.ts';
const klarnaExpiry = 'functions/domain/klarna-expiry.ts';
const list = 'functions/application/list-payment-requests.ts';
const reconcile = 'functions/application/reconcile-payment-requests.ts';
const reconciliation = 'functions/domain/reconciliation.ts';
const register = 'functions/application/register-session.ts';
const runJobs = 'functions/application/run-cancel-jobs.ts';
const startJob = 'functions/application/start-cancel-job.ts';
const state = 'functions/domain/payment-request-state.ts';
const syncExpiry = 'functions/application/sync-klarna-expiry.ts';
const paymentRequest = 'functions/domain/payment-request.ts';
const stateChange = 'functions/domain/state-change-event.ts';
const transition = 'functions/domain/transition.ts';

const groups = "const [, date = '', time = '', fraction = '', offset = ''] = match;";
const paidAfter = 'completedAt !== undefined && endedAt !== undefined && completedAt >= endedAt;';
const taken = "return started === 'taken' ? { kind: 'taken' } : answerOf(started, requestSha256);";
const isMoved = 'const isMoved = next.deadlineAt !== undefined && next.deadlineAt !== seen.deadlineAt;';
const tookEffect =
  "entry.effect === 'applied' && entry.state !== undefined && entry.occurredAt !== undefined;";
const byPosition =
  'const byPosition = (a: AppliedEntry, b: AppliedEntry): number => (positionOf(a) < positionOf(b) ? -1 : 1);';
const netIsEarly =
  'return askedFor !== undefined && end !== undefined && askedFor < end && isExpiryMovable(record);';
const superseded =
  "if (record.position < finalPosition && record.position < positionOf(observation)) return 'superseding';";

/** Each is a mutant of `npm run mutation` that changes nothing that can be observed. */
export const survivors: readonly Survivor[] = [
  ...['date', 'time', 'offset'].map((group) => ({
    file: instant,
    before: groups,
    after: groups.replace(`${group} = ''`, `${group} = "Stryker was here!"`),
    why: alwaysMatches,
  })),
  {
    file: instant,
    before: 'export const earlierOf = (a: Instant, b: Instant): Instant => (a < b ? a : b);',
    after: 'export const earlierOf = (a: Instant, b: Instant): Instant => (a <= b ? a : b);',
    why: 'Of two equal texts it is the same which is given back.',
  },
  {
    file: reconciliation,
    before: 'attention !== undefined && inTheWay.includes(attention) ? undefined : attention;',
    after: 'true && inTheWay.includes(attention) ? undefined : attention;',
    why: 'The compiler wants the check: a list of words does not include undefined.',
  },
  {
    file: state,
    before: 'state !== undefined && ranks[state] === 2;',
    after: 'true && ranks[state] === 2;',
    why: forTheCompiler,
  },
  {
    file: expiry,
    before: "if (decideExpiry(record, now) !== 'not_yet' || deadlineAt === undefined) return undefined;",
    after: "if (decideExpiry(record, now) !== 'not_yet' || false) return undefined;",
    why: 'The compiler wants the check: what is not yet over has a deadline.',
  },
  {
    file: reconciliation,
    before: 'const isOver = record.deadlineAt !== undefined && record.deadlineAt <= now;',
    after: 'const isOver = true && record.deadlineAt <= now;',
    why: forTheCompiler,
  },
  ...[
    'true && completedAt >= endedAt;',
    'completedAt !== undefined || endedAt !== undefined && completedAt >= endedAt;',
    'true && endedAt !== undefined && completedAt >= endedAt;',
    'completedAt !== undefined && true && completedAt >= endedAt;',
  ].map((after) => ({ file: transition, before: paidAfter, after, why: forTheCompiler })),
  ...[
    'return true && askedFor < end && isExpiryMovable(record);',
    'return askedFor !== undefined || end !== undefined && askedFor < end && isExpiryMovable(record);',
    'return true && end !== undefined && askedFor < end && isExpiryMovable(record);',
    'return askedFor !== undefined && true && askedFor < end && isExpiryMovable(record);',
  ].map((after) => ({ file: paymentRequest, before: netIsEarly, after, why: forTheCompiler })),
  {
    file: instant,
    before: 'export const laterOf = (a: Instant, b: Instant): Instant => (a > b ? a : b);',
    after: 'export const laterOf = (a: Instant, b: Instant): Instant => (a >= b ? a : b);',
    why: 'Of two equal texts it is the same which is given back.',
  },
  {
    file: klarnaExpiry,
    before: isMoved,
    after: isMoved.replace('next.deadlineAt !== undefined', 'true'),
    why: 'The compiler wants the check: no deadline is taken away.',
  },
  {
    file: klarnaExpiry,
    before: 'if (noted !== undefined && noted >= latest) return record;',
    after: 'if (true && noted >= latest) return record;',
    why: forTheCompiler,
  },
  {
    file: klarnaExpiry,
    before: 'const isTooLate = isOpen(record.state) && deadlineAt !== undefined && deadlineAt > shown;',
    after: 'const isTooLate = isOpen(record.state) && true && deadlineAt > shown;',
    why: forTheCompiler,
  },
  {
    file: syncExpiry,
    before: "if (answer.kind !== 'refused' || !answer.isConflict) {",
    after: 'if (false || !answer.isConflict) {',
    why: 'The compiler wants the check: no other kind of answer is a conflict.',
  },
  ...['entry.state', 'entry.occurredAt'].map((field) => ({
    file: stateChange,
    before: tookEffect,
    after: tookEffect.replace(`${field} !== undefined`, 'true'),
    why: 'The compiler wants the check: what took effect has a state and a time.',
  })),
  {
    file: stateChange,
    before: byPosition,
    after: byPosition.replace('<', '<='),
    why: 'No two entries have the same position: each has its event id in it.',
  },
  {
    file: transition,
    before: superseded,
    after: superseded.replace('record.position < finalPosition', 'record.position <= finalPosition'),
    why: 'No position is finalPosition itself: each has a time and an id behind its rank.',
  },
  {
    file: transition,
    before: superseded,
    after: superseded.replace('record.position < positionOf', 'record.position <= positionOf'),
    why: 'The same position is the same event, which has been judged a duplicate before.',
  },
  {
    file: askKlarna,
    before: "if (canceled.kind === 'payment_request' && canceled.state === 'CANCELED') {",
    after: "if (true && canceled.state === 'CANCELED') {",
    why: 'The compiler wants the check: no other kind of answer has a state.',
  },
  {
    file: list,
    before:
      '(filter.dueBefore === undefined || (deadlineAt !== undefined && deadlineAt < filter.dueBefore)) &&',
    after: '(filter.dueBefore === undefined || (true && deadlineAt < filter.dueBefore)) &&',
    why: forTheCompiler,
  },
  {
    file: reconcile,
    before: 'if (!record.cancellation) return;',
    after: 'if (false) return;',
    why: 'The compiler wants the check: only a record with a cancel that is not settled is one to resume.',
  },
  {
    file: reconcile,
    before: 'if (!armed?.record?.session) await forget(dependencies, record, settings);',
    after: 'if (true) await forget(dependencies, record, settings);',
    why: 'What has been armed is another version, which is left as it is, for a write that fails.',
  },
  {
    file: register,
    before: 'const latest = synced.version > armed.version ? synced : armed;',
    after: 'const latest = synced.version >= armed.version ? synced : armed;',
    why: 'Two records of one version are the same record: a version is written once.',
  },
  {
    file: runJobs,
    before: 'if (clock.now() >= until && index > latest) return;',
    after: 'if (clock.now() >= until && index >= latest) return;',
    why: 'No two requests of a page have the same place, and this one has not begun.',
  },
  {
    file: startJob,
    before: "if (request.by === 'created_before' && request.createdBefore > plusMillis(now, clockSkew)) {",
    after: 'if (true && request.createdBefore > plusMillis(now, clockSkew)) {',
    why: 'The compiler wants the check: no other request has a moment, and a comparison with undefined is false.',
  },
  ...['false', 'started === ""'].map((check) => ({
    file: startJob,
    before: taken,
    after: taken.replace("started === 'taken'", check),
    why: 'The compiler wants the check: the word has no digest of a request, and what has another digest is taken as well.',
  })),
];
