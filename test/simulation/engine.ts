import { Timeline } from './timeline.ts';

/**
 * What may happen to one call of a port:
 * - `throw-…`: the call fails, before or after it took effect.
 * - `crash-…`: the calling process ends for good. `crash-during`: the request takes effect all the same.
 * - `repeat`: the response is lost, and the client sends the request again, as the AWS SDK does. `repeat-late`: it does so after
 *   its own timeout.
 * - `slow`: the call takes up to three quarters of a minute.
 * - `klarna-…`: what Klarna responds, or does without a response.
 * - `refuse-some`: the bus accepts only some of the events now. `refuse-for-good`: it never accepts those of one type.
 * - `overlook`: the index does not contain a record yet.
 */
export const faultKinds = [
  'throw-before',
  'throw-after',
  'crash-before',
  'crash-during',
  'crash-after',
  'repeat',
  'repeat-late',
  'slow',
  'klarna-500',
  'klarna-500-done',
  'klarna-409',
  'klarna-404',
  'klarna-429',
  'klarna-401',
  'klarna-unknown-state',
  'klarna-hangs',
  'klarna-hangs-done',
  'klarna-hangs-done-late',
  'refuse-some',
  'overlook',
  'refuse-for-good',
] as const;

export type FaultKind = (typeof faultKinds)[number];

/** The functions of the deployment and the operator's command line, as a history names them. */
export type FunctionName =
  | 'register'
  | 'extend'
  | 'cancel'
  | 'dryRun'
  | 'refresh'
  | 'list'
  | 'webhook'
  | 'timer'
  | 'sweep'
  | 'publish'
  | 'job'
  | 'operator';

/** One invocation of a function. */
export interface Task {
  readonly name: string;
  readonly function: FunctionName;
  /** The time when the function is killed, in virtual milliseconds since 1970. */
  readonly endsAt: number;
  /** Whether the process has crashed or was killed. It then never continues. */
  dead: boolean;
  /** The number of calls of ports so far. */
  calls: number;
  /** Tells the trigger that the invocation died. */
  readonly died: () => void;
  /** The hash of the name. */
  readonly hash: number;
}

/** Milliseconds after which the AWS SDK sends a request again, as the functions' clients have it. */
const sdkTimeout = 2_000;

/** How an invocation ended. */
export type Ending<Result> =
  | { readonly kind: 'returned'; readonly result: Result }
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'died' };

/** The error of a write that the code cannot read. */
export class UnreadableWrite extends Error {
  override readonly name = 'UnreadableWrite';
}

/** An injected fault. A caller that sees one that is not retryable fails. */
export class InjectedFault extends Error {
  readonly retryable: boolean;

  constructor(site: string, retryable: boolean) {
    super(`injected: ${site} failed`);
    this.retryable = retryable;
  }
}

/** Decides what happens to each call and how long it takes. */
export interface Fate {
  fault(task: Task, site: string, possible: readonly FaultKind[], now: number): FaultKind | undefined;
  /** Milliseconds to the other side, and back from it. */
  latency(task: Task, site: string, fault: FaultKind | undefined): readonly [number, number];
  /** Of two events at the same moment, the one with the lower rank comes first. */
  rank(task: Task): number;
  retryable(task: Task): boolean;
}

/** A call of a port. */
export interface PortCall<Result> {
  readonly site: string;
  readonly faults: readonly FaultKind[];
  /** Performs the call at the other side, with a fault that the other side has to simulate. */
  readonly perform: (fault: FaultKind | undefined) => Result | Promise<Result>;
  /** Milliseconds after which the caller stops waiting, and the result that it then gets. */
  readonly waitLimit?: { readonly millis: number; readonly result: Result } | undefined;
  /** Milliseconds that the call itself takes. */
  readonly takes?: number | undefined;
}

/** How much of the history is recorded: everything in words if a run is to be read. */
export interface Trace {
  note(at: number, who: string, what: () => string): void;
}

/**
 * Runs invocations side by side in virtual time. Every call of a port is two events: the arrival of the request and
 * the arrival of the response. Between two events, any other invocation may proceed. The same fate gives the same
 * history.
 */
export class Engine {
  now: number;
  #courseHigh = 0x811c9dc5;
  #courseLow = 0x9e3779b9;
  readonly sites = new Map<string, number>();
  readonly injected = new Map<string, number>();
  steps = 0;
  readonly #timeline = new Timeline();
  readonly #fate: Fate;
  readonly #trace: Trace | undefined;
  #awake = false;
  #stopped = false;

  constructor(start: number, fate: Fate, trace?: Trace) {
    this.now = start;
    this.#fate = fate;
    this.#trace = trace;
  }

  /** A hash of 53 bits over every call, its fault and its order. Runs with the same hash took the same course. */
  get course(): number {
    return (this.#courseHigh >>> 11) * 2 ** 32 + this.#courseLow;
  }

  at(millis: number, happen: () => void, rank = 0): void {
    this.#timeline.add(Math.max(millis, this.now), happen, rank);
  }

  after(millis: number, happen: () => void): void {
    this.at(this.now + millis, happen);
  }

  note(who: string, what: () => string): void {
    this.#trace?.note(this.now, who, what);
  }

  /** Ends the run early. */
  stop(): void {
    this.#stopped = true;
  }

  /** Runs all events until none is left, or until a time. */
  async run(until: number): Promise<void> {
    while (!this.#stopped) {
      const event = this.#timeline.next();
      if (!event || event.at > until) return;
      this.now = event.at;
      event.happen();
      // A caller with a response makes its next call before any other event.
      await this.#settle();
    }
  }

  async #settle(): Promise<void> {
    if (!this.#awake) return;
    this.#awake = false;
    await drained();
  }

  /** Starts an invocation. An invocation that dies does not return: its trigger is told at once. */
  invoke<Result>(
    name: string,
    kind: FunctionName,
    limitMillis: number,
    body: (task: Task) => Promise<Result>,
    ended: (ending: Ending<Result>) => void,
  ): void {
    let over = false;
    const end = (ending: Ending<Result>) => {
      if (over) return;
      over = true;
      task.dead = true;
      ended(ending);
    };
    const task: Task = {
      name,
      function: kind,
      endsAt: this.now + limitMillis,
      dead: false,
      calls: 0,
      died: () => end({ kind: 'died' }),
      hash: hashOf(name),
    };
    this.note(name, () => `${kind} starts`);
    this.at(task.endsAt, () => {
      if (!over) this.#die(task, 'is killed at its time limit');
    });
    this.#awake = true;
    body(task).then(
      (result) => {
        if (!task.dead) end({ kind: 'returned', result });
      },
      (error: unknown) => {
        if (!task.dead) end({ kind: 'threw', error });
      },
    );
  }

  #die(task: Task, why: string): void {
    if (task.dead) return;
    task.dead = true;
    this.note(task.name, () => why);
    // The trigger is told by an event, not within the call.
    this.at(this.now, task.died);
  }

  call<Result>(task: Task, port: PortCall<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (task.dead) return;
      this.steps += 1;
      task.calls += 1;
      const { site } = port;
      const fault = this.#fate.fault(task, site, port.faults, this.now);
      this.#count(task, site, fault);
      const [there, back] = this.#fate.latency(task, site, fault);
      const arrives = this.now + there + (port.takes ?? 0);
      const rank = this.#fate.rank(task);
      this.note(task.name, () => `${site}${fault ? `   ** ${fault} **` : ''}`);

      const response = (act: () => void, at: number) => {
        this.at(
          at,
          () => {
            if (task.dead) return;
            this.#awake = true;
            act();
          },
          rank,
        );
      };
      const arrive = (act: () => void) => this.at(arrives, act, rank);
      const fail = () => reject(new InjectedFault(site, this.#fate.retryable(task)));

      const limit = port.waitLimit ? this.now + port.waitLimit.millis : Infinity;
      if (port.waitLimit && limit < arrives + back) {
        const { result } = port.waitLimit;
        response(() => resolve(result), limit);
      }
      const reply = (result: Result | Promise<Result>) => {
        const at = this.now + back;
        if (at <= limit) response(() => resolve(result), at);
      };

      switch (fault) {
        case 'crash-before':
          this.#die(task, 'crashes');
          return;
        case 'throw-before':
          response(fail, arrives);
          return;
        case 'crash-during':
          this.#die(task, 'crashes while the request is in flight');
          arrive(() => void port.perform(undefined));
          return;
        case 'crash-after':
          arrive(() => {
            void port.perform(undefined);
            this.#die(task, 'crashes before the response');
          });
          return;
        case 'throw-after':
          arrive(() => {
            void port.perform(undefined);
            response(fail, this.now + back);
          });
          return;
        case 'repeat':
        case 'repeat-late': {
          const pause = fault === 'repeat' ? back : sdkTimeout;
          arrive(() => {
            void port.perform(undefined);
            this.at(this.now + pause, () => reply(port.perform(undefined)), rank);
          });
          return;
        }
        case 'klarna-hangs':
          if (port.waitLimit) {
            const { result } = port.waitLimit;
            response(() => resolve(result), limit);
          }
          return;
        case 'klarna-hangs-done':
        case 'klarna-hangs-done-late': {
          const late = fault === 'klarna-hangs-done-late' ? (port.waitLimit?.millis ?? 0) + back * 20 : 0;
          this.at(arrives + late, () => void port.perform(undefined), rank);
          if (port.waitLimit) {
            const { result } = port.waitLimit;
            response(() => resolve(result), limit);
          }
          return;
        }
        case 'slow':
        case undefined:
          arrive(() => reply(port.perform(undefined)));
          return;
        case 'klarna-500':
        case 'klarna-500-done':
        case 'klarna-409':
        case 'klarna-404':
        case 'klarna-429':
        case 'klarna-401':
        case 'klarna-unknown-state':
        case 'refuse-some':
        case 'refuse-for-good':
        case 'overlook':
          arrive(() => reply(port.perform(fault)));
      }
    });
  }

  #count(task: Task, site: string, fault: FaultKind | undefined): void {
    const place = placeOf(task.function, site);
    this.sites.set(place.name, (this.sites.get(place.name) ?? 0) + 1);
    if (fault) {
      const struck = `${place.name} ${fault}`;
      this.injected.set(struck, (this.injected.get(struck) ?? 0) + 1);
    }
    const what = place.hash + (fault ? faultKinds.indexOf(fault) + 1 : 0);
    this.#courseHigh = mixed(mixed(this.#courseHigh, task.hash), what);
    this.#courseLow = mixed(mixed(this.#courseLow, what), task.hash);
  }
}

/** Resolves when no invocation can proceed: Node runs a tick when no microtask is left. */
const drained = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

/** A function and one of its ports, by which calls are counted. Each is named and hashed once. */
interface Place {
  readonly name: string;
  readonly hash: number;
}

const places = new Map<FunctionName, Map<string, Place>>();

function placeOf(kind: FunctionName, site: string): Place {
  const ofFunction = places.get(kind) ?? new Map<string, Place>();
  places.set(kind, ofFunction);
  const known = ofFunction.get(site);
  if (known) return known;
  const name = `${kind}: ${site}`;
  const place = { name, hash: hashOf(name) };
  ofFunction.set(site, place);
  return place;
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  }
  return hash;
}

/** Combines a hash with the next value (murmur3). */
function mixed(hash: number, next: number): number {
  let word = Math.imul(next, 0xcc9e2d51);
  word = Math.imul((word << 15) | (word >>> 17), 0x1b873593);
  const both = hash ^ word;
  return (Math.imul((both << 13) | (both >>> 19), 5) + 0xe6546b64) >>> 0;
}
