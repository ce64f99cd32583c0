import type { DatabaseSync } from 'node:sqlite';
import type { Answer } from './answer.ts';
import { Collection } from './collection.ts';

/** As long as Klarna honours a `Klarna-Idempotency-Key`. */
const memoryMillis = 24 * 3_600_000;

interface RememberedAnswer {
  readonly answer: Answer;
  readonly until: number;
}

/** Answers by idempotency key: the same call with the same key is answered the same and done once. Not for DELETE. */
export class RememberedAnswers {
  readonly #answers: Collection<RememberedAnswer>;

  constructor(database: DatabaseSync) {
    this.#answers = new Collection(database, 'remembered_answers');
  }

  /** The answer to this call if it was made before, as one without effect. */
  find(call: string, idempotencyKey: string): Answer | undefined {
    const remembered = this.#answers.get(`${call} ${idempotencyKey}`);
    if (!remembered || remembered.until < Date.now()) return undefined;
    return { ...remembered.answer, tookEffect: false };
  }

  remember(call: string, idempotencyKey: string, answer: Answer): void {
    this.#answers.put(`${call} ${idempotencyKey}`, { answer, until: Date.now() + memoryMillis });
  }
}
