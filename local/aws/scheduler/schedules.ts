import { isDeepStrictEqual } from 'node:util';
import type { LocalClock } from '../../clock/local-clock.ts';
import { ServiceError } from '../wire/service-error.ts';
import { parseAtExpression } from './at-expression.ts';
import type { Schedule, ScheduleDocument, ScheduleKey } from './schedule.ts';
import type { ScheduleStore } from './schedule-store.ts';

export interface SchedulesParts {
  readonly store: ScheduleStore;
  readonly clock: LocalClock;
  /** Besides `default`, which every account has. */
  readonly groups: readonly string[];
  /** Called after every change, because the next schedule to fire may be another one. */
  readonly onChange: () => void;
}

/** The schedules, under Scheduler's rules for creating, changing and deleting them. */
export class Schedules {
  readonly #parts: SchedulesParts;
  readonly #groups: ReadonlySet<string>;

  constructor(parts: SchedulesParts) {
    this.#parts = parts;
    this.#groups = new Set(['default', ...parts.groups]);
  }

  /**
   * A repeated call with the same token and input succeeds. Any other call for an existing name is a ConflictException.
   * AWS does not document what `at()` in the past does; here it fires at once.
   */
  create(key: ScheduleKey, document: ScheduleDocument, clientToken: string | undefined): void {
    this.#requireGroup(key.group);
    const existing = this.#parts.store.get(key);
    if (existing) {
      const isRepeated = clientToken !== undefined && clientToken === existing.clientToken;
      if (isRepeated && isDeepStrictEqual(existing.document, document)) return;
      throw new ServiceError('ConflictException', `Schedule ${key.name} already exists.`, 409);
    }
    const now = this.#parts.clock.now();
    this.#put({ ...key, document, clientToken, createdAt: now, modifiedAt: now });
  }

  /** Overwrites every field: a field left out gets its default. */
  update(key: ScheduleKey, document: ScheduleDocument, clientToken: string | undefined): void {
    const { createdAt } = this.get(key);
    this.#put({ ...key, document, clientToken, createdAt, modifiedAt: this.#parts.clock.now() });
  }

  get(key: ScheduleKey): Schedule {
    this.#requireGroup(key.group);
    return this.#parts.store.get(key) ?? missing(key);
  }

  delete(key: ScheduleKey): void {
    this.#requireGroup(key.group);
    if (!this.#parts.store.delete(key)) missing(key);
    this.#parts.onChange();
  }

  /** All schedules, by group and name. */
  list(): readonly Schedule[] {
    return this.#parts.store.list();
  }

  #put(schedule: Omit<Schedule, 'firesAt' | 'nextAttemptAt' | 'failedAttempts'>): void {
    const { ScheduleExpression, State } = schedule.document;
    const firesAt = parseAtExpression(ScheduleExpression);
    if (firesAt === undefined)
      throw new Error(`${ScheduleExpression} is not a time, and the request was not checked.`);
    const nextAttemptAt = State === 'ENABLED' ? firesAt : undefined;
    this.#parts.store.put({ ...schedule, firesAt, nextAttemptAt, failedAttempts: 0 });
    this.#parts.onChange();
  }

  #requireGroup(group: string): void {
    if (this.#groups.has(group)) return;
    throw new ServiceError('ResourceNotFoundException', `Schedule group ${group} does not exist.`, 404);
  }
}

function missing({ name }: ScheduleKey): never {
  throw new ServiceError('ResourceNotFoundException', `Schedule ${name} does not exist.`, 404);
}
