import type { DatabaseSync } from 'node:sqlite';
import { type Instant, plusMillis } from '../../functions/domain/instant.ts';
import type { Clock } from './clock.ts';
import type { SimulatorResponse } from './simulator-response.ts';
import { Collection } from '../shared/collection.ts';

/** How long Klarna honours a `Klarna-Idempotency-Key`. */
const memoryMillis = 24 * 3_600_000;

interface RememberedResponse {
  readonly response: SimulatorResponse;
  readonly until: Instant;
}

/**
 * Responses by idempotency key. The same call with the same key is performed once and gets the same response. Not for
 * DELETE.
 */
export class RememberedResponses {
  readonly #clock: Clock;
  readonly #responses: Collection<RememberedResponse>;

  constructor(database: DatabaseSync, clock: Clock) {
    this.#clock = clock;
    this.#responses = new Collection(database, 'remembered_responses');
  }

  /** The response to this call if it was made before, marked as without effect. */
  find(call: string, idempotencyKey: string): SimulatorResponse | undefined {
    const remembered = this.#responses.get(`${call} ${idempotencyKey}`);
    if (!remembered || remembered.until < this.#clock()) return undefined;
    return { ...remembered.response, tookEffect: false };
  }

  remember(call: string, idempotencyKey: string, response: SimulatorResponse): void {
    this.#responses.put(`${call} ${idempotencyKey}`, {
      response,
      until: plusMillis(this.#clock(), memoryMillis),
    });
  }
}
