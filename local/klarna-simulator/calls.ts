import type { DatabaseSync } from 'node:sqlite';
import { randomUUID } from 'node:crypto';
import type { Instant } from '../../functions/domain/instant.ts';
import type { Clock } from './clock.ts';
import { Collection } from '../shared/collection.ts';
import type { Fault } from './faults.ts';

/** A recorded API call. It never contains the credentials or anything of the body. */
export interface Call {
  readonly call_id: string;
  readonly at: Instant;
  readonly method: string;
  readonly path: string;
  readonly payment_request_id: string | null;
  readonly correlation_id: string | null;
  /** The trace that the call continues, as `traceparent` says. */
  readonly traceparent: string | null;
  /** Who called, as `Klarna-Integration-Metadata` says. */
  readonly integration_metadata: string | null;
  /** Null while there is no response, and for ever where there never is one. */
  readonly status: number | null;
  /** Whether the call changed anything at Klarna, with or without a response. */
  readonly took_effect: boolean;
  readonly fault: Fault['kind'] | null;
}

/** Every API call, oldest first. */
export class Calls {
  readonly #calls: Collection<Call>;
  readonly #clock: Clock;

  constructor(database: DatabaseSync, clock: Clock) {
    this.#calls = new Collection(database, 'calls');
    this.#clock = clock;
  }

  /** Records a call before it is handled, so that a call without a response is recorded, too. */
  begin(call: Omit<Call, 'call_id' | 'at' | 'status' | 'took_effect'>): Call {
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

  /** Records the outcome of a call. */
  end(call: Call, outcome: Pick<Call, 'status' | 'took_effect' | 'payment_request_id'>): void {
    // The calls may have been cleared meanwhile.
    if (this.#calls.get(call.call_id)) this.#calls.put(call.call_id, { ...call, ...outcome });
  }

  all(): readonly Call[] {
    return this.#calls.all();
  }

  clear(): void {
    this.#calls.clear();
  }
}
