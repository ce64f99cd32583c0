import type { ServiceName } from '../wire/service.ts';
import type { CallFault, EffectFault, Fault } from './fault.ts';

/** The faults that are still to happen, oldest first. In memory only: a restart is a fresh start. */
export class Faults {
  readonly #onRefusals: (services: ReadonlySet<ServiceName>) => void;
  #waiting: readonly Fault[] = [];

  /** @param onRefusals told, at every change, of the services that no connection is to come about to. */
  constructor(onRefusals: (services: ReadonlySet<ServiceName>) => void) {
    this.#onRefusals = onRefusals;
  }

  inject(fault: Fault): void {
    this.#waiting = [...this.#waiting, fault];
    this.#tellRefusals();
  }

  /** Each with the times that are left; 0 stands for those that stay. */
  list(): readonly Fault[] {
    return this.#waiting;
  }

  clear(): void {
    this.#waiting = [];
    this.#tellRefusals();
  }

  /** The fault that befalls this call, which is then used up by one. */
  takeForCall(service: ServiceName, action: string): CallFault | undefined {
    return this.#take(
      (fault): fault is CallFault =>
        !isEffectFault(fault) &&
        fault.kind !== 'refuse' &&
        fault.target === service &&
        (fault.action === undefined || fault.action === action),
    );
  }

  /** Whether this befalls what the service is about to do; if so, it is used up by one. */
  takeForEffect(service: EffectFault['target'], kind: EffectFault['kind']): boolean {
    const found = this.#take(
      (fault): fault is EffectFault =>
        isEffectFault(fault) && fault.target === service && fault.kind === kind,
    );
    return found !== undefined;
  }

  #tellRefusals(): void {
    this.#onRefusals(
      new Set(this.#waiting.flatMap(({ kind, target }) => (kind === 'refuse' ? [target] : []))),
    );
  }

  #take<Kind extends Fault>(befalls: (fault: Fault) => fault is Kind): Kind | undefined {
    const found = this.#waiting.find(befalls);
    if (found === undefined || found.times === 0) return found;
    this.#waiting = this.#waiting.flatMap((fault) => {
      if (fault !== found) return [fault];
      return fault.times > 1 ? [{ ...fault, times: fault.times - 1 }] : [];
    });
    return found;
  }
}

const effectKinds: ReadonlySet<Fault['kind']> = new Set<EffectFault['kind']>([
  'partial',
  'lose',
  'duplicate',
]);

const isEffectFault = (fault: Fault): fault is EffectFault => effectKinds.has(fault.kind);
