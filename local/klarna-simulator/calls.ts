import type { DatabaseSync } from 'node:sqlite';
import { randomUUID } from 'node:crypto';
import type { Instant } from '../../functions/domain/instant.ts';
import type { Clock } from './clock.ts';
import { Collection } from './collection.ts';
import type { Fault } from './faults.ts';

/** An API call as the simulator noted it. Never holds the credentials, nor anything of the body. */
export interface Call {
  readonly call_id: string;
  readonly at: Instant;
  readonly method: string;
  readonly path: string;
  readonly payment_request_id: string | null;
  readonly correlation_id: string | null;
  /** Null while there is no answer, for ever if there never is one. */
  readonly status: number | null;
  /** Whether the call changed anything at Klarna, answered or not. */
  readonly took_effect: boolean;
  readonly fault: Fault['kind'] | null;
}

/** Every API call that came in, oldest first. */
export class Calls {
  readonly #calls: Collection<Call>;
  readonly #clock: Clock;

  constructor(database: DatabaseSync, clock: Clock) {
    this.#calls = new Collection(database, 'calls');
    this.#clock = clock;
  }

  /** Notes a call before it is handled, so that one which never is answered is noted too. */
  begin(call: Pick<Call, 'method' | 'path' | 'payment_request_id' | 'correlation_id' | 'fault'>): Call {
    const begun: Call = {
      call_id: randomUUID(),
      at: this.#clock(),
      ...call,
      status: null,
      took_effect: false,
    };
    this.#calls.put(begun.call_id, begun);
    return begun;
  }

  /** Notes what came of it. */
  end(call: Call, outcome: Pick<Call, 'status' | 'took_effect' | 'payment_request_id'>): void {
    // Not if the calls were cleared in between.
    if (this.#calls.get(call.call_id)) this.#calls.put(call.call_id, { ...call, ...outcome });
  }

  all(): readonly Call[] {
    return this.#calls.all();
  }

  clear(): void {
    this.#calls.clear();
  }
}
