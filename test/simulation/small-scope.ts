/**
 * Everything that can happen to one Payment Request, two webhooks, one cancel and one timer that all arrive at the
 * same moment:
 * - every order of them,
 * - every call at which one of them may be overtaken by the others,
 * - one fault of every kind at every call.
 */
import type { PaymentRequestId } from '../../functions/domain/identifiers.ts';
import type { AccountSettings } from '../../functions/domain/account-settings.ts';
import { planted } from '../support/planted-secrets.ts';
import { settingsWith } from '../support/fixtures.ts';
import { hour, minute } from '../support/sessions.ts';
import type { Fate, FaultKind, Task } from './engine.ts';
import { tasks } from './tasks.ts';
import { accountNamed, type Action, beginning, planOf, type Plan, requestIds } from './plan.ts';
import { type Report, Simulation } from './simulation.ts';

const registeredAt = 500;
const timeoutMillis = 2 * minute;
/** The time when the timer fires: the deadline, rounded up to the second. */
const meetAt = 121_000;

/** What the customer has just done when the actors meet. */
export const customers = {
  approves: ['enter', 'approve'],
  'steps back': ['enter', 'step-back'],
} as const;

export interface SmallScope {
  readonly customer: keyof typeof customers;
  /** Klarna allows a COMPLETED request to be canceled. */
  readonly lax: boolean;
  /** Who else acts, before the meeting or after it, so that their calls are covered. */
  readonly besides?: keyof typeof besides | undefined;
}

/** Either action of the customer, with either reading of COMPLETED. */
export const scopes: readonly SmallScope[] = [
  { customer: 'approves', lax: false },
  { customer: 'approves', lax: true },
  { customer: 'steps back', lax: false },
  { customer: 'steps back', lax: true },
];

/** The scopes in which every call of a port in the use cases can be struck. */
export const wholeScopes: readonly SmallScope[] = [
  ...scopes.map((scope) => ({ ...scope, besides: 'callers' }) as const),
  { customer: 'steps back', lax: true, besides: 'jobs' },
  { customer: 'approves', lax: true, besides: 'an operator' },
  { customer: 'approves', lax: false, besides: 'another attempt' },
  { customer: 'steps back', lax: true, besides: 'references' },
];

/** The actors that meet. Webhooks are in the order in which Klarna sent them. */
const actors = ['webhook 1', 'webhook 2', 'cancel', 'timer'] as const;
type Actor = (typeof actors)[number];

/** One way to play a scope. */
export interface Course {
  readonly order: readonly Actor[];
  /** After this call of this actor, all others go first. */
  readonly overtaken?: { readonly actor: Actor; readonly call: number } | undefined;
  /**
   * The faults by the number of the call in the whole history. There is one, or the few that lead to a call which
   * occurs only after them.
   */
  readonly faults?: readonly Strike[] | undefined;
}

export interface Strike {
  readonly call: number;
  readonly kind: FaultKind;
}

/** A call of a port that was made: its place in the source, and the faults that it could have had. */
export interface Call {
  readonly place: string;
  readonly possible: readonly FaultKind[];
  readonly actor: Actor | undefined;
  /** Its number among the actor's own calls. */
  readonly nth: number;
}

/** The fate of a course. No time passes between calls, and the actor of the lowest rank goes first. */
class OrderedFate implements Fate {
  readonly calls: Call[] = [];
  readonly #course: Course;
  readonly #isPlaced: boolean;
  readonly #actors = new Map<Task, Actor>();
  readonly #overtaken = new Set<Task>();
  #webhooks = 0;

  /** @param isPlaced whether calls are located in the source, which takes time. */
  constructor(course: Course, isPlaced: boolean) {
    this.#course = course;
    this.#isPlaced = isPlaced;
  }

  fault(task: Task, site: string, possible: readonly FaultKind[], now: number): FaultKind | undefined {
    const actor = this.#actorOf(task, now);
    const { overtaken, faults } = this.#course;
    this.calls.push({ place: this.#isPlaced ? placeOf(site) : site, possible, actor, nth: task.calls });
    if (overtaken && overtaken.actor === actor && task.calls === overtaken.call) this.#overtaken.add(task);
    return faults?.find(({ call }) => call === this.calls.length)?.kind;
  }

  latency(_task: Task, _site: string, fault: FaultKind | undefined): readonly [number, number] {
    return fault === 'slow' ? [0, 35_000] : [0, 0];
  }

  rank(task: Task): number {
    const actor = this.#actors.get(task);
    if (!actor) return 0;
    return this.#overtaken.has(task) ? actors.length : this.#course.order.indexOf(actor);
  }

  retryable(): boolean {
    return true;
  }

  #actorOf(task: Task, now: number): Actor | undefined {
    const known = this.#actors.get(task);
    if (known || now !== meetingAt) return known;
    const actor = this.#nextActor(task);
    if (actor) this.#actors.set(task, actor);
    return actor;
  }

  #nextActor(task: Task): Actor | undefined {
    switch (task.function) {
      case 'webhook':
        this.#webhooks += 1;
        return this.#webhooks === 1 ? 'webhook 1' : this.#webhooks === 2 ? 'webhook 2' : undefined;
      case 'cancel':
      case 'timer':
        return task.function;
      case 'register':
      case 'extend':
      case 'dryRun':
      case 'refresh':
      case 'list':
      case 'sweep':
      case 'publish':
      case 'job':
      case 'operator':
        return undefined;
    }
  }
}

const meetingAt = beginning + meetAt;

/** The line of the use case that makes the call, or the port's name if the call is made on behalf of a use case. */
function placeOf(site: string): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 30;
  const compiled = compiledPlaceOf(new Error());
  const place = (compiled && places.get(compiled)) ?? sourcePlaceOf(new Error());
  Error.stackTraceLimit = limit;
  if (compiled && place) places.set(compiled, place);
  return place ?? `trigger: ${site}`;
}

/** Lines of the source by their place in the running code. Reading a source map is slow. */
const places = new Map<string, string>();

const useCase = /functions\/application\/([a-z-]+\.ts):(\d+)/;

function sourcePlaceOf({ stack = '' }: Error): string | undefined {
  const [, file, line] = useCase.exec(stack) ?? [];
  return file && line && `${file}:${line}`;
}

function compiledPlaceOf(error: Error): string | undefined {
  const preferred: unknown = Reflect.get(Error, 'prepareStackTrace');
  Error.prepareStackTrace = (_, frames) => frames.map(String).find((frame) => useCase.test(frame));
  const place = error.stack;
  Reflect.set(Error, 'prepareStackTrace', preferred);
  return place;
}

const accountsWith = (settings: Partial<AccountSettings>): readonly AccountSettings[] => [
  settingsWith({
    klarna: { ...settingsWith().klarna, apiKey: planted.apiKey, partnerAccountId: 'partner-0' },
    ...settings,
  }),
];

type TimedAct = readonly [at: number, act: Action['act'], request?: number];

const visit = (at: number): readonly TimedAct[] =>
  tasks.map((task) => [at, { kind: 'operate', task, isDryRun: false }]);

const inPart = {
  kind: 'register-in-part',
  timeoutMillis: undefined,
  onTimeout: undefined,
  graceMillis: undefined,
  reference: 'order 1',
} as const;

/** Some requests of one account. */
function requestsOf(count: number): Plan['requests'] {
  return requestIds.slice(0, count).map((paymentRequestId) => ({
    key: { account: accountNamed(0), paymentRequestId },
    isUnknown: false,
    lifetimeMillis: hour,
  }));
}

/** The additional actors, and the plan for them. */
const besides: Readonly<
  Record<
    'callers' | 'jobs' | 'an operator' | 'another attempt' | 'references',
    Partial<Plan> & { acts: readonly TimedAct[] }
  >
> = {
  callers: {
    acts: [
      // The calls are about requests with and without a record.
      [0, { kind: 'refresh' }],
      [10_000, { kind: 'refresh' }],
      [20_000, { kind: 'dryRun' }],
      [25_000, { kind: 'look' }],
      [30_000, { kind: 'forge', how: 'other-account' }],
      [35_000, inPart],
      [40_000, { kind: 'extend', timeoutMillis: 80_500 }],
      // After the meeting, for a request that the customer has approved.
      [meetAt + 10_000, { kind: 'cancel', allowCompleted: true }],
    ],
  },
  // One job of each kind, a dry run, and a job that is stopped. A request that ends long before its deadline leaves a
  // timer.
  jobs: {
    acts: [
      [5_000, { kind: 'extend', timeoutMillis: 40 * minute }],
      [10_000, { kind: 'start-job', job: 0, by: 'session', dryRun: true }],
      [20_000, { kind: 'start-job', job: 1, by: 'ids', dryRun: false }],
      [30_000, { kind: 'start-job', job: 2, by: 'age', dryRun: false }],
      [40_000, { kind: 'start-job', job: 3, by: 'ids', dryRun: false }],
      [50_000, { kind: 'stop-job', job: 3 }],
    ],
    // Klarna accepts an expiry only for a deadline that is more than a quarter of an hour away.
    accounts: accountsWith({ syncKlarnaExpiry: true }),
    quietAfter: 50 * minute,
  },
  // A second request of the session, registered to supersede the first, and paid as the first may be.
  'another attempt': {
    acts: [
      [20_000, { ...inPart, timeoutMillis: 20 * minute, supersedes: true }, 1],
      [meetAt - 200, { kind: 'enter' }, 1],
      [meetAt - 150, { kind: 'approve' }, 1],
    ],
    requests: requestsOf(2),
    quietAfter: 30 * minute,
  },
  // A session and a cancel that wait before the first webhook, one that comes after it, and one whose request never exists.
  references: {
    acts: [
      [0, { kind: 'register-reference', timeoutMillis: 20 * minute }, 1],
      [0, { kind: 'cancel-reference' }, 2],
      [10_000, { kind: 'register-reference', timeoutMillis: minute }, 3],
      [meetAt + 10_000, { kind: 'register-reference', timeoutMillis: 20 * minute }, 1],
      [meetAt + 20_000, { kind: 'cancel-reference' }, 1],
    ],
    requests: [
      ...requestsOf(3),
      {
        key: { account: accountNamed(0), paymentRequestId: `${requestIds[0] ?? ''}3` as PaymentRequestId },
        isUnknown: true,
        lifetimeMillis: hour,
      },
    ],
    tellsReferences: true,
    quietAfter: 30 * minute,
  },
  // The first webhooks arrive before the secret says to whom their key belongs. Some writes cannot be read, and whatever
  // fails once is abandoned.
  'an operator': {
    acts: [...visit(10 * minute), ...visit(20 * minute)],
    keysMendedAt: minute,
    poisonRate: 0.5,
    relayTries: 1,
    mostReceives: 1,
    quietAfter: 30 * minute,
  },
};

function planFor({ customer, lax, besides: others }: SmallScope): Plan {
  const { acts: more = [], ...different } = others ? besides[others] : {};
  const acts: readonly TimedAct[] = [
    [registeredAt, { kind: 'register', timeoutMillis, onTimeout: 'cancel', graceMillis: undefined }],
    ...more,
    ...customers[customer].map((kind, index) => [meetAt - 100 + index, { kind }] as const),
    [meetAt, { kind: 'cancel', allowCompleted: false }],
  ];
  return {
    ...planOf(0, 'full'),
    mode: 'full',
    manners: {
      lax,
      wholeSeconds: true,
      tellsTimes: true,
      tellsExpiry: false,
      tellsPrevious: true,
      cancelOfEnded: 'klarna-409',
      deletesExpired: true,
      aheadMillis: 0,
      namesPayment: 'id',
    },
    accounts: accountsWith({}),
    requests: requestsOf(1),
    actions: acts.map(([at, act, request = 0], id) => ({ id, at, request, act })),
    lossRate: 0,
    doubleRate: 0,
    lateRate: 0,
    quietAfter: meetAt + minute,
    relayPauseMillis: 500,
    poisonRate: 0,
    busDown: undefined,
    relayTries: Infinity,
    mostReceives: 12,
    keysMendedAt: 0,
    isSweepTheTimer: false,
    rollout: undefined,
    meetAt,
    tellsReferences: false,
    ...different,
  };
}

/** Plays one course and returns its calls and its report. */
export async function play(
  scope: SmallScope,
  course: Course,
  isPlaced = false,
): Promise<{ calls: readonly Call[]; report: Report }> {
  const fate = new OrderedFate(course, isPlaced);
  const report = await new Simulation(planFor(scope), fate).run();
  return { calls: fate.calls, report };
}

/** Every order of the actors. */
export const orders: readonly (readonly Actor[])[] = permutations(actors);

function permutations<Item>(items: readonly Item[]): (readonly Item[])[] {
  if (items.length < 2) return [items];
  return items.flatMap((item, index) =>
    permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]),
  );
}

/** Every course of one order in which one actor is overtaken once. */
export const overtakings = (order: readonly Actor[], calls: readonly Call[]): readonly Course[] =>
  calls.flatMap(({ actor, nth }) => (actor ? [{ order, overtaken: { actor, call: nth } }] : []));

/** Every course of one order with one fault. Calls before and after the meeting are included only on request. */
export const strikes = (
  order: readonly Actor[],
  calls: readonly Call[],
  everywhere: boolean,
): readonly Course[] =>
  calls.flatMap(({ possible, actor }, index) =>
    actor || everywhere ? possible.map((kind) => ({ order, faults: [{ call: index + 1, kind }] })) : [],
  );

/**
 * Strikes every call that the scope can reach with every kind of fault, including calls that occur only after other
 * faults. It continues from the first history that made a call until it reaches nothing new. Returns the kinds that
 * struck, by place.
 */
export async function strikeEveryPlace(
  scope: SmallScope,
  onReport: (report: Report) => void,
): Promise<ReadonlyMap<string, ReadonlySet<FaultKind>>> {
  const [order = actors] = orders;
  const struck = new Map<string, Set<FaultKind>>();
  const waiting: (readonly Strike[])[] = [[]];
  for (let faults = waiting.shift(); faults; faults = waiting.shift()) {
    const { calls, report } = await play(scope, { order, faults }, true);
    onReport(report);
    const last = faults.at(-1)?.call ?? 0;
    for (const [index, { place, possible }] of calls.entries()) {
      const kinds = struck.get(place) ?? new Set();
      struck.set(place, kinds);
      if (index < last) continue;
      for (const kind of possible) {
        if (kinds.has(kind)) continue;
        kinds.add(kind);
        waiting.push([...faults, { call: index + 1, kind }]);
      }
    }
  }
  return struck;
}
