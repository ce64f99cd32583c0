import type { AccountSettings } from '../../functions/domain/account-settings.ts';
import type { Account, PaymentRequestId, PaymentRequestKey } from '../../functions/domain/identifiers.ts';
import { settingsWith } from '../support/fixtures.ts';
import { planted } from '../support/planted-secrets.ts';
import { hour, minute } from '../support/sessions.ts';
import { Draws } from './draws.ts';
import { type Task, tasks } from './tasks.ts';
import type { KlarnaManners } from './simulated-klarna.ts';
import type { VersionName } from './code-version.ts';

/**
 * How a run is disturbed:
 * - `full`: every fault occurs, and the sweep runs.
 * - `lossless`: any order, delay and repetition occurs, but nothing is lost. The sweep must find nothing to repair.
 * - `unswept`: as `lossless` without the sweep, but with failures in functions that their trigger calls again.
 */
export type Mode = (typeof modes)[number];
export const modes = ['full', 'lossless', 'unswept'] as const;

/** What an outside actor does to one of the requests, at a time in milliseconds from the start. */
export interface Action {
  readonly id: number;
  readonly at: number;
  readonly request: number;
  readonly act:
    | { readonly kind: 'enter' | 'step-back' | 'approve' | 'decline' | 'decline-authorization' }
    /** A customer, or a script, opens and closes Klarna's window again and again. */
    | { readonly kind: 'storm'; readonly times: number }
    /** Klarna reports a second final state, or repeats the one it had. */
    | { readonly kind: 'second-end' }
    | {
        readonly kind: 'register';
        readonly timeoutMillis: number;
        /** Undefined: the account decides. */
        readonly onTimeout: 'cancel' | 'observe' | undefined;
        readonly graceMillis: number | undefined;
      }
    /** A registration that leaves out some of its fields. */
    | {
        readonly kind: 'register-in-part';
        readonly timeoutMillis: number | undefined;
        readonly onTimeout: 'cancel' | 'observe' | undefined;
        readonly graceMillis: number | undefined;
        readonly reference: string | undefined;
        readonly supersedes?: true | undefined;
      }
    | { readonly kind: 'extend'; readonly timeoutMillis: number }
    | { readonly kind: 'cancel'; readonly allowCompleted: boolean }
    /** The shop authorizes the payment at Klarna, and may report that to us. */
    | { readonly kind: 'authorize'; readonly isReported: boolean }
    | { readonly kind: 'refresh' | 'dryRun' }
    /** Registers by the request's reference, before or after it is seen. */
    | { readonly kind: 'register-reference'; readonly timeoutMillis: number }
    /** Cancels by the request's reference. */
    | { readonly kind: 'cancel-reference' }
    /** Ends every request of the session. */
    | { readonly kind: 'cancel-session' }
    /** Starts a job that cancels many requests: those of a list, of the session, or all that are open by then. */
    | {
        readonly kind: 'start-job';
        readonly job: number;
        readonly by: 'ids' | 'session' | 'age';
        readonly dryRun: boolean;
      }
    | { readonly kind: 'stop-job'; readonly job: number }
    | { readonly kind: 'operate'; readonly task: Task; readonly isDryRun: boolean }
    /** An operator erases the record. */
    | { readonly kind: 'erase' }
    /** Reads the session and the account's list. */
    | { readonly kind: 'look' }
    /** A timer's message without an armed timer. */
    | { readonly kind: 'stray-timer' }
    /** A delivery that says CANCELED, signed with a key that is not Klarna's or with another tenant's key. */
    | {
        readonly kind: 'forge';
        readonly how: 'wrong-key' | 'unknown-key' | 'other-account' | 'unknown-type' | 'other-version';
      }
    /** A delivery of Klarna's that says nothing about the state of a request. */
    | { readonly kind: 'unused'; readonly why: 'other_family' | 'no_state' };
}

/** A deployment from one version of the code to another, which may be the older one. */
export interface Rollout {
  readonly before: VersionName;
  readonly after: VersionName;
  readonly from: number;
  readonly until: number;
  /** The version in which only the sweep ends sessions, if any. */
  readonly sweptBy?: VersionName | undefined;
}

export interface PlannedRequest {
  readonly key: PaymentRequestKey;
  /** Klarna does not know it: the caller mistyped an id. */
  readonly isUnknown: boolean;
  readonly lifetimeMillis: number;
}

/** What an operator can switch. `armed_from` is the moment of switching, `kind` the kind of every session of the run. */
export type SwitchName = 'stage' | 'armed_from' | 'kind' | 'account';

/** The kind of every session that is registered. */
export const kindOfCheckout = 'invoice';

/** Everything that determines the course of a run. */
export interface Plan {
  readonly seed: number;
  readonly mode: Mode;
  readonly manners: KlarnaManners;
  readonly accounts: readonly AccountSettings[];
  readonly requests: readonly PlannedRequest[];
  readonly actions: readonly Action[];
  /** Whether each registration has a reference of its own. */
  readonly hasReferences: boolean;
  /** The probability of a fault in a call. */
  readonly faultRate: number;
  /** The probability that a webhook or a timer is lost, doubled or late. */
  readonly lossRate: number;
  readonly doubleRate: number;
  readonly lateRate: number;
  /** Milliseconds from the start after which no fault is injected. */
  readonly quietAfter: number;
  readonly slowestMillis: number;
  /** How likely a webhook has a time in the far future. */
  readonly farFutureRate: number;
  /** How likely a DELETE gets no response and takes effect later. */
  readonly hangingCancelRate: number;
  /** How likely the response to a save is lost, so that the client repeats it. */
  readonly repeatedSaveRate: number;
  /** How long the stream collects writes before it publishes them. */
  readonly relayPauseMillis: number;
  /** The probability that a write cannot be read from the stream. */
  readonly poisonRate: number;
  /** The time for which the bus refuses everything for now, in milliseconds since the start. */
  readonly busDown?: { readonly from: number; readonly until: number } | undefined;
  /** How often a batch of the stream is tried before it is abandoned. */
  readonly relayTries: number;
  /** How often a timer's message is received before it is abandoned. */
  readonly mostReceives: number;
  /** Milliseconds from the start until the secret says to whom Klarna's signing keys belong. */
  readonly keysMendedAt: number;
  /** Whether only the sweep ends sessions, in every version. */
  readonly isSweepTheTimer: boolean;
  /** A deployment: both versions run from one time until another, in milliseconds from the start. */
  readonly rollout?: Rollout | undefined;
  /** Of two accounts on one credential, the one that is over its share of Klarna's limit again and again while faults occur. */
  readonly overShare?: Account | undefined;
  /** Klarna tells the shop's reference of each request. */
  readonly tellsReferences?: boolean | undefined;
  /** A switch that an operator turns, in milliseconds from the start: sessions are only observed from then on. */
  readonly switched?: { readonly at: number; readonly by: SwitchName } | undefined;
  /** Milliseconds from the start when everything that is in flight from Klarna and Scheduler arrives at once. */
  readonly meetAt?: number | undefined;
}

/** The time when every run starts. */
export const beginning = Date.parse('2026-03-01T12:00:00Z');

const names = ['shop-se', 'shop-no'] as const;

export const accountNamed = (index: number): Account => (names[index] ?? names[0]) as Account;

export const requestIds = ['00', '01', '02'].map(
  (end) => `krn:payment:eu1:request:552603c0-fe8b-4ab1-aacb-41d55fafbd${end}` as PaymentRequestId,
);

export function modeOf(seed: number): Mode {
  if (seed % 8 === 6) return 'lossless';
  return seed % 8 === 7 ? 'unswept' : 'full';
}

/** The plan of a seed's run. */
export function planOf(seed: number, mode = modeOf(seed)): Plan {
  const draws = new Draws(seed, 'plan');
  const isFull = mode === 'full';
  const isTwoAccounts = draws.chance(0.1);
  const klarnaExpiryBackstop = new Draws(seed, 'second net');
  const isKlarnaToEndThem = klarnaExpiryBackstop.chance(0.2);
  const late = new Draws(seed, 'late registration');
  const isLate = late.chance(0.04);
  const isHanging = isFull && new Draws(seed, 'hanging cancels').chance(0.08);
  const racing = new Draws(seed, 'racing claims');
  const isRacing = isFull && !isHanging && racing.chance(0.1);
  const watching = new Draws(seed, 'authorizations');
  const isWatched = watching.chance(0.25);
  const watch = {
    watchAuthorization: isWatched,
    authorizationAlertAfter: watching.pick([45, 45, 10]) * minute,
    cancelUnauthorized: isWatched && watching.chance(0.5),
  };
  const accounts = (isTwoAccounts ? [0, 1] : [0]).map((index) =>
    settingsWith({
      ...watch,
      account: accountNamed(index),
      armOnSubmitted: draws.chance(0.15) || isLate,
      defaultSessionTimeout: draws.chance(0.5) || isLate ? 20 * minute : undefined,
      inProgressGrace: draws.chance(0.25) || isHanging ? 5 * minute : undefined,
      maxExtensions: 3,
      syncKlarnaExpiry: isKlarnaToEndThem,
      endOtherAttempts: new Draws(seed, 'other attempts').chance(0.3),
      klarna: {
        credential: 'simulated',
        rateShare: 1,
        environment: 'test',
        apiKey: planted.apiKey,
        username: undefined,
        partnerAccountId: `partner-${index}`,
        clientCertificate: undefined,
        clientKey: undefined,
      },
    }),
  );
  const requests: PlannedRequest[] = [];
  const count = draws.chance(0.9) ? 1 : 2;
  for (const { account } of accounts) {
    for (const paymentRequestId of requestIds.slice(0, count)) {
      requests.push({
        key: { account, paymentRequestId },
        isUnknown: isFull && draws.chance(0.02),
        // Klarna allows an expiry in at least a quarter of an hour. A session may be shorter.
        lifetimeMillis: draws.pick([15 * minute, hour, 3 * hour, 48 * hour]),
      });
    }
  }
  const referenced = new Draws(seed, 'with references');
  const isReferenced = referenced.chance(0.15);
  const acted = actionsOf(draws, requests, isFull);
  // Most of these shops do not know the ids.
  const isUnregistered = isReferenced && referenced.chance(0.7);
  const all = isUnregistered
    ? acted.filter(({ act }) => act.kind !== 'register').map((action, id) => ({ ...action, id }))
    : acted;
  // A customer who pays late, or just as a cancel begins, and little else that could end the session before.
  const inTime = isHanging || isRacing ? all.filter(({ act }) => act.kind === 'register') : all;
  const ofShop = isLate ? inTime.map((action) => registeringLate(late, action)) : inTime;
  const switching = new Draws(seed, 'switches');
  const isSwitched = switching.chance(0.1);
  const ordinary = isSwitched ? ofShop.map((action) => leavingOpen(switching, action)) : ofShop;
  const changes = [
    ...changesOf(new Draws(seed, 'changes'), ordinary, isHanging ? 1 : 0.1),
    ...(isRacing ? racesOf(racing, requests.length) : []),
  ];
  const authorizations = isWatched ? authorizationsOf(watching, [...ordinary, ...changes]) : [];
  const last = [...all, ...changes].reduce((latest, { at }) => Math.max(latest, at), 0);
  const manners: KlarnaManners = {
    lax: draws.chance(0.5) || isHanging,
    wholeSeconds: draws.chance(0.7),
    tellsTimes: draws.chance(0.7),
    tellsExpiry: draws.chance(0.5),
    tellsPrevious: new Draws(seed, 'previous states').chance(0.8),
    cancelOfEnded: draws.pick(['klarna-409', 'klarna-404']),
    deletesExpired: draws.chance(0.7),
    aheadMillis: isFull ? draws.pick([0, 0, 0, -2_000, 2_000]) : 0,
    namesPayment: watching.pick(['id', 'id', 'reference', 'nothing']),
  };
  const lossRateOf = (drawn: number) => (isHanging ? 0.5 : isRacing ? 0 : drawn);
  const course = {
    faultRate: isFull
      ? draws.pick([0, 0.01, 0.03, 0.1, 0.25])
      : mode === 'unswept'
        ? draws.pick([0, 0.05])
        : 0,
    lossRate: lossRateOf(isFull ? draws.pick([0, 0, 0.1, 0.5, 1]) : 0),
    doubleRate: draws.pick([0, 0.2, 0.6]),
    lateRate: draws.pick([0, 0.1, 0.4]),
    farFutureRate: new Draws(seed, 'far future').chance(0.08) ? 0.4 : 0,
    hangingCancelRate: isHanging ? 0.9 : 0,
    repeatedSaveRate: isRacing ? 0.8 : 0,
    quietAfter: last + draws.pick([minute, 30 * minute, 2 * hour]),
    slowestMillis: isFull ? draws.pick([50, 500, 3_000]) : draws.pick([50, 200]),
    relayPauseMillis: draws.pick([100, 3_000, 10_000]),
  };
  const rollout = rolloutOf(new Draws(seed, 'rollout'), mode, last);
  const others = new Draws(seed, 'operations');
  const operations = isHanging
    ? []
    : [
        ...operationsOf(seed, others, mode, last, course.quietAfter),
        ...(isKlarnaToEndThem ? movesOf(klarnaExpiryBackstop, last) : []),
        ...stormsOf(new Draws(seed, 'storms'), last),
        ...partsOf(new Draws(seed, 'registrations in part'), ordinary),
        ...attemptsOf(new Draws(seed, 'attempts'), requests.length, last),
        ...(isReferenced ? referencesOf(new Draws(seed, 'references'), requests.length, last) : []),
      ];
  const resolutions = isHanging ? [] : resolutionsOf(new Draws(seed, 'resolutions'), course.quietAfter);
  // An older version does not know tombstones, and the report of a job names what is erased.
  const mayErase = !isHanging && (isReferenced || !rollout) && !operations.some(isStartOfJob);
  const erasures = mayErase ? erasuresOf(new Draws(seed, 'erasures'), requests.length, last) : [];
  const isOperated = operations.some(({ act }) => act.kind === 'operate');
  return {
    seed,
    mode,
    manners,
    accounts,
    requests,
    actions: [
      ...ordinary,
      ...[
        ...operations,
        ...changes,
        ...unusedOf(new Draws(seed, 'unused webhooks'), last),
        ...authorizations,
        ...resolutions,
        // Last, so that no other action has another number.
        ...erasures,
      ].map((action, index) => ({ ...action, id: all.length + index })),
    ],
    hasReferences: isWatched,
    ...course,
    ...publishingOf(new Draws(seed, 'publishing'), mode, last),
    relayTries: isFull && isOperated ? others.pick([1, 2, Infinity]) : Infinity,
    mostReceives: isFull && isOperated ? others.pick([1, 2, queueReceives]) : queueReceives,
    keysMendedAt: isFull && isOperated && others.chance(0.3) ? others.pick([minute, 10 * minute]) : 0,
    isSweepTheTimer: mode !== 'unswept' && new Draws(seed, 'timers').chance(0.1),
    // The versions of a deployment differ in whether they know references.
    rollout: isReferenced ? undefined : rollout,
    tellsReferences: isReferenced,
    switched: isSwitched ? switchOf(switching, ordinary) : undefined,
    overShare: isTwoAccounts && new Draws(seed, 'over its share').chance(0.5) ? accountNamed(0) : undefined,
  };
}

/** An operator resolves what needs attention, at any time, in one of eight histories. */
function resolutionsOf(draws: Draws, quietAfter: number): readonly Omit<Action, 'id'>[] {
  if (!draws.chance(0.125)) return [];
  return Array.from({ length: draws.between(1, 6) }, () => ({
    at: draws.between(0, quietAfter),
    request: 0,
    act: { kind: 'operate', task: 'resolve-attention', isDryRun: draws.chance(0.1) },
  }));
}

const isStartOfJob = ({ act }: Omit<Action, 'id'>): boolean => act.kind === 'start-job';

/**
 * In one of ten histories an operator erases records, when they have ended or may have. After that, callers and the timer act on the
 * tombstone. Webhooks that are late or doubled come by themselves. The payment of a session may be erased while its other attempts are open.
 */
function erasuresOf(draws: Draws, requests: number, last: number): readonly Omit<Action, 'id'>[] {
  if (!draws.chance(0.1)) return [];
  const actions: Omit<Action, 'id'>[] = [];
  const times = draws.between(1, 4);
  for (let time = 0; time < times; time += 1) {
    const at = draws.chance(0.7) ? draws.between(0, last + 10 * minute) : last + draws.between(0, 3 * hour);
    const request = draws.between(0, requests - 1);
    actions.push({ at, request, act: { kind: 'erase' } });
    if (draws.chance(0.5)) continue;
    const act = draws.pick<Action['act']>([
      {
        kind: 'register-in-part',
        timeoutMillis: 5 * minute,
        onTimeout: 'cancel',
        graceMillis: undefined,
        reference: 'order 1',
      },
      { kind: 'extend', timeoutMillis: 5 * minute },
      { kind: 'cancel', allowCompleted: draws.chance(0.5) },
      { kind: 'refresh' },
      { kind: 'look' },
      { kind: 'stray-timer' },
    ]);
    actions.push({ at: at + draws.pick([draws.between(0, 500), draws.between(0, minute)]), request, act });
  }
  if (requests > 1 && draws.chance(0.5)) {
    const [at, request] = [draws.between(minute, 5 * minute), draws.between(0, 1)];
    actions.push({ at, request, act: { kind: 'enter' } });
    actions.push({ at: at + 2_000, request, act: { kind: 'approve' } });
    actions.push({ at: at + draws.between(2_000, 5 * minute), request, act: { kind: 'erase' } });
  }
  return actions;
}

/** A registration that leaves to the account what happens at the deadline. */
const leavingOpen = (draws: Draws, action: Action): Action =>
  action.act.kind === 'register' && action.act.onTimeout === 'cancel' && draws.chance(0.7)
    ? { ...action, act: { ...action.act, onTimeout: undefined } }
    : action;

/** A switch that is turned before a deadline, about at it, or after it. */
function switchOf(draws: Draws, ordinary: readonly Action[]): Plan['switched'] {
  const by = draws.pick(['stage', 'armed_from', 'kind', 'account'] as const);
  const deadlines = ordinary.flatMap(({ act, at }) =>
    act.kind === 'register' ? [at + act.timeoutMillis] : [],
  );
  const deadline = deadlines[0] ?? 0;
  const at = draws.chance(0.5)
    ? draws.between(0, deadline)
    : deadline + draws.pick([draws.between(-2_000, 2_000), draws.between(0, 3 * minute)]);
  return { at: Math.max(0, at), by };
}

/** Faults of publishing. One in ten histories has writes that cannot be read, and one in ten a bus that is down. */
function publishingOf(draws: Draws, mode: Mode, last: number): Pick<Plan, 'poisonRate' | 'busDown'> {
  if (mode !== 'full') return { poisonRate: 0 };
  const poisonRate = draws.chance(0.1) ? draws.pick([0.1, 0.5]) : 0;
  if (!draws.chance(0.1)) return { poisonRate };
  const from = draws.between(0, last);
  return { poisonRate, busDown: { from, until: from + draws.pick([5, 20, 60]) * minute } };
}

/** One in eight histories has a deployment. Half of these change the timer, if the sweep runs. */
function rolloutOf(draws: Draws, mode: Mode, last: number): Rollout | undefined {
  if (!draws.chance(0.125)) return undefined;
  const neighbour = draws.pick(['older', 'newer'] as const);
  const [before, after] = draws.pick([
    [neighbour, 'current'],
    ['current', neighbour],
  ] as const);
  const from = draws.between(0, last);
  return {
    before,
    after,
    from,
    until: from + draws.pick([minute, 10 * minute, hour]),
    sweptBy: mode !== 'unswept' && draws.chance(0.4) ? draws.pick([before, after]) : undefined,
  };
}

/**
 * Registrations that change a session, about when its timer fires or when the customer acts: from observed to canceled and back.
 * And a customer who pays within the grace after the deadline.
 */
function changesOf(
  draws: Draws,
  ordinary: readonly Action[],
  payingLate: number,
): readonly Omit<Action, 'id'>[] {
  const changes: Omit<Action, 'id'>[] = [];
  const registered = new Set<number>();
  for (const { act, at, request } of ordinary) {
    if (act.kind !== 'register' || registered.has(request)) continue;
    registered.add(request);
    const deadline = at + act.timeoutMillis;
    const add = (when: number, what: Action['act']) => changes.push({ at: when, request, act: what });
    if (draws.chance(0.15)) {
      const turned = act.onTimeout === 'observe' ? 'cancel' : 'observe';
      const turn = (when: number, onTimeout: 'cancel' | 'observe', isLater: boolean) =>
        add(when, {
          kind: 'register-in-part',
          timeoutMillis: isLater ? 5 * minute : undefined,
          onTimeout,
          graceMillis: undefined,
          reference: undefined,
        });
      turn(at + draws.between(1_000, act.timeoutMillis), turned, false);
      for (const onTimeout of [act.onTimeout ?? 'cancel', turned, act.onTimeout ?? 'cancel'] as const)
        turn(deadline + draws.between(-100, 1_300), onTimeout, draws.chance(0.6));
    }
    if (draws.chance(payingLate)) {
      add(deadline + draws.between(0, 5_500), { kind: 'enter' });
      if (draws.chance(0.6)) add(deadline + draws.between(11_000, 3 * minute), { kind: 'approve' });
    }
  }
  return changes;
}

/** Shops that authorize what was approved: at once, about when the payment lapses, or never. Some approve without having been asked to. */
const authorizationsOf = (
  draws: Draws,
  actions: readonly Omit<Action, 'id'>[],
): readonly Omit<Action, 'id'>[] =>
  actions
    .filter(({ act }) => act.kind === 'approve')
    .flatMap(({ at, request }) => {
      if (draws.chance(0.4)) return [];
      const after = draws.pick([
        draws.between(100, 5_000),
        45 * minute + draws.between(-1_000, 90_000),
        60 * minute - draws.between(1, 2_000),
      ]);
      return [
        { at: at + after, request, act: { kind: 'authorize', isReported: draws.chance(0.4) } } as const,
      ];
    });

/** Customers who approve just after a cancel has begun, so that the webhook arrives about when the claim is written. */
const racesOf = (draws: Draws, requests: number): readonly Omit<Action, 'id'>[] =>
  Array.from({ length: requests }, (_, request) => {
    const at = draws.between(5_000, 2 * minute);
    return [
      { at: at - 2_000, request, act: { kind: 'enter' } },
      { at, request, act: { kind: 'cancel', allowCompleted: false } },
      { at: at + draws.between(60, 130), request, act: { kind: 'approve' } },
    ] as const;
  }).flat();

/** A shop that registers while the sweep arms the account's default timer. */
const registeringLate = (draws: Draws, action: Action): Action =>
  action.act.kind === 'register'
    ? { ...action, at: minute * draws.between(1, 2) + draws.between(0, 400) }
    : action;

/** One in eighty histories has more changes of state than a history has room for, and callers whose commands are refused. */
function stormsOf(draws: Draws, last: number): readonly Omit<Action, 'id'>[] {
  if (!draws.chance(0.0125)) return [];
  const at = draws.between(0, last);
  const storm = { at, request: 0, act: { kind: 'storm', times: draws.pick([20, 40, 80]) } } as const;
  const cancels = Array.from({ length: draws.pick([0, 3, 40]) }, () => ({
    at: last + draws.between(0, minute),
    request: 0,
    act: { kind: 'cancel', allowCompleted: false } as const,
  }));
  return [storm, ...cancels];
}

/** Webhooks of Klarna's other families, and updates that tell no state. And one of a version that does not exist yet. */
function unusedOf(draws: Draws, last: number): readonly Omit<Action, 'id'>[] {
  if (!draws.chance(0.1)) return [];
  const acts: readonly Action['act'][] = [
    { kind: 'unused', why: 'other_family' },
    { kind: 'unused', why: 'no_state' },
    { kind: 'forge', how: 'other-version' },
  ];
  return Array.from({ length: draws.between(1, 3) }, () => ({
    at: draws.between(0, last + minute),
    request: 0,
    act: draws.pick(acts),
  }));
}

/** Deadlines that move, so that Klarna's expiry has to follow. Some move twice within the time of one call to Klarna. */
function movesOf(draws: Draws, last: number): readonly Omit<Action, 'id'>[] {
  const moves: Omit<Action, 'id'>[] = [];
  const count = draws.between(0, 2);
  for (let move = 0; move < count; move += 1) {
    const at = draws.between(0, last);
    const extendAt = (when: number, minutes: number) =>
      moves.push({ at: when, request: 0, act: { kind: 'extend', timeoutMillis: minutes * minute } });
    const again = draws.chance(0.4);
    extendAt(at, again ? 20 : draws.pick([1, 5, 20, 40]));
    if (again) extendAt(at + draws.between(0, 4_000), draws.pick([20, 40, 40]));
  }
  return moves;
}

/** Registrations with some of their fields, at any time from before the session until after its deadline. */
function partsOf(draws: Draws, ordinary: readonly Action[]): readonly Omit<Action, 'id'>[] {
  const parts: Omit<Action, 'id'>[] = [];
  const some = <Value>(value: Value) => (draws.chance(0.3) ? value : undefined);
  for (const { act, at, request } of ordinary) {
    if (act.kind !== 'register' || !draws.chance(0.2)) continue;
    parts.push({
      at: Math.max(0, at + draws.between(-2_000, act.timeoutMillis + minute)),
      request,
      act: {
        kind: 'register-in-part',
        timeoutMillis: some(draws.pick([5, 15, 40]) * minute),
        onTimeout: some(draws.pick(['cancel', 'observe'] as const)),
        graceMillis: some(minute),
        reference: some(`order ${draws.between(1, 3)}`),
      },
    });
  }
  return parts;
}

/**
 * Of two attempts of one session, one is registered with `supersedes`: later than the other, about when the customer acts, or again. The
 * customer may approve both, in any order and at once.
 */
function attemptsOf(draws: Draws, requests: number, last: number): readonly Omit<Action, 'id'>[] {
  if (requests < 2 || !draws.chance(0.7)) return [];
  const attempts: Omit<Action, 'id'>[] = [];
  const at = draws.between(0, last);
  if (draws.chance(0.5)) {
    const superseding = {
      kind: 'register-in-part',
      timeoutMillis: 20 * minute,
      onTimeout: undefined,
      graceMillis: undefined,
      reference: undefined,
      supersedes: true,
    } as const;
    attempts.push({ at, request: 1, act: superseding });
    if (draws.chance(0.3)) attempts.push({ at: at + draws.between(0, 5_000), request: 0, act: superseding });
  }
  if (draws.chance(0.6)) {
    for (const request of [0, 1]) {
      const paidAt = at + draws.between(0, draws.pick([100, 4_000, minute]));
      attempts.push({ at: Math.max(0, paidAt - 2_000), request, act: { kind: 'enter' } });
      attempts.push({ at: paidAt, request, act: { kind: 'approve' } });
    }
  }
  return attempts;
}

/**
 * Registrations and cancels by reference: before the request is seen, about when it is, and later. One of them may be called twice. A
 * later request may have the reference of an earlier one.
 */
function referencesOf(draws: Draws, requests: number, last: number): readonly Omit<Action, 'id'>[] {
  const actions: Omit<Action, 'id'>[] = [];
  for (let request = 0; request < requests; request += 1) {
    const moment = () =>
      draws.chance(0.6)
        ? draws.between(0, draws.pick([100, 1_500, minute]))
        : draws.between(0, last + minute);
    const times = draws.between(0, 3);
    for (let time = 0; time < times; time += 1) {
      const at = moment();
      const act: Action['act'] = draws.chance(0.6)
        ? { kind: 'register-reference', timeoutMillis: draws.pick([1, 5, 20]) * minute }
        : { kind: 'cancel-reference' };
      actions.push({ at, request, act });
      if (draws.chance(0.3)) actions.push({ at: at + draws.between(0, 3_000), request, act });
    }
  }
  return actions;
}

/** How often the stack's queue lets a message be received. */
const queueReceives = 12;

/** Cancels of many requests at once, and actions of an operator, who may act again after all faults are over. */
function operationsOf(
  seed: number,
  draws: Draws,
  mode: Mode,
  last: number,
  quietAfter: number,
): readonly Omit<Action, 'id'>[] {
  const operations: Omit<Action, 'id'>[] = [];
  const stops = new Draws(seed, 'stops');
  const moment = () => draws.between(0, last + minute);
  const add = (at: number, act: Action['act']) => operations.push({ at, request: 0, act });
  if (draws.chance(0.05)) add(moment(), { kind: 'cancel-session' });
  // The sweep continues jobs, so without a sweep there are no jobs.
  if (mode !== 'unswept' && draws.chance(0.15)) {
    for (const job of draws.chance(0.3) ? [0, 1] : [0]) {
      const by = draws.pick(['ids', 'session', 'age'] as const);
      const dryRun = draws.chance(0.2);
      const at = moment();
      add(at, { kind: 'start-job', job, by, dryRun });
      // The same id with other contents.
      if (draws.chance(0.1))
        add(at + draws.between(0, 2_000), { kind: 'start-job', job, by, dryRun: !dryRun });
      if (draws.chance(0.2)) {
        const later = at + draws.between(0, 3 * minute);
        const midPage = Math.ceil(at / minute) * minute + stops.between(50, 600);
        add(stops.chance(0.5) ? midPage : later, { kind: 'stop-job', job });
      }
    }
  }
  if (draws.chance(0.2)) {
    const visits = draws.between(1, 4);
    for (let visit = 0; visit < visits; visit += 1) {
      const at = draws.between(0, quietAfter);
      const act = { kind: 'operate', task: draws.pick(tasks), isDryRun: draws.chance(0.15) } as const;
      add(at, act);
      // At the same time as another operator, or twice in a row.
      if (draws.chance(0.4)) add(at + draws.pick([0, 50, 5_000, 3 * minute]), act);
    }
    if (draws.chance(0.8)) {
      for (const task of tasks) {
        add(quietAfter + draws.between(1, 10) * minute, { kind: 'operate', task, isDryRun: false });
      }
    }
  }
  return operations;
}

function actionsOf(draws: Draws, requests: readonly PlannedRequest[], isFull: boolean): readonly Action[] {
  const actions: Action[] = [];
  const timeoutMillis = draws.pick([2, 10, 20, 30]) * minute;
  const registeredAt = draws.pick([500, 2_000, 30_000]);
  // The moment when the actors meet: the deadline, or some time before it.
  const hot = draws.pick([registeredAt + timeoutMillis, registeredAt + timeoutMillis, 60_000, 9 * minute]);
  const moment = () => {
    const drawn = draws.next();
    if (drawn < 0.55) return Math.max(0, hot + draws.between(-300, 1_500));
    if (drawn < 0.7) return registeredAt + draws.between(-400, 1_000);
    return draws.between(100, registeredAt + timeoutMillis + 10 * minute);
  };
  requests.forEach((_, request) => {
    const add = (at: number, act: Action['act']) => actions.push({ id: actions.length, at, request, act });
    const registration = {
      kind: 'register',
      timeoutMillis,
      onTimeout: draws.chance(0.9) ? 'cancel' : 'observe',
      graceMillis: draws.chance(0.2) ? 3 * minute : undefined,
    } as const;
    if (draws.chance(0.9)) add(registeredAt, registration);
    if (draws.chance(0.15)) add(moment(), registration);
    const visits = draws.pick([0, 1, 1, 1, 2]);
    for (let visit = 0; visit < visits; visit += 1) {
      const at = moment();
      add(at, { kind: 'enter' });
      const next = draws.chance(0.5) ? moment() : at + draws.between(50, draws.pick([500, 5_000, 60_000]));
      add(next, { kind: draws.pick(['approve', 'approve', 'approve', 'step-back', 'decline']) });
      if (draws.chance(0.1)) add(next + draws.between(100, 5 * minute), { kind: 'decline-authorization' });
    }
    const cancels = draws.pick([0, 0, 1, 1, 2, 3]);
    for (let cancel = 0; cancel < cancels; cancel += 1) {
      const at = moment();
      add(at, { kind: 'cancel', allowCompleted: draws.chance(0.15) });
      // The race that matters most: the customer approves while the cancel reads Klarna.
      if (draws.chance(0.3)) {
        add(at - draws.between(100, 3_000), { kind: 'enter' });
        add(at + draws.between(5, 150), { kind: 'approve' });
      }
    }
    if (draws.chance(0.3))
      add(moment(), { kind: 'extend', timeoutMillis: draws.pick([1, 5, 15, 40]) * minute });
    if (draws.chance(0.1)) add(moment(), { kind: 'refresh' });
    if (draws.chance(0.05)) add(moment(), { kind: 'dryRun' });
    if (draws.chance(0.15)) add(moment(), { kind: 'stray-timer' });
    if (draws.chance(0.1)) add(moment(), { kind: 'look' });
    if (draws.chance(0.15)) {
      add(moment(), {
        kind: 'forge',
        how: draws.pick(['wrong-key', 'unknown-key', 'other-account', 'unknown-type']),
      });
    }
    if (isFull && draws.chance(0.06)) add(moment() + draws.between(0, 20 * minute), { kind: 'second-end' });
  });
  return actions;
}
