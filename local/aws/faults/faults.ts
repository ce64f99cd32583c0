import type { ServiceName } from '../wire/service.ts';
import type { CallFault, EffectFault, Fault } from './fault.ts';

/** The faults that are still to apply, oldest first. They are in memory only: a restart clears them. */
export class Faults {
  readonly #onRefusals: (services: ReadonlySet<ServiceName>) => void;
  #waiting: readonly Fault[] = [];

  /** @param onRefusals called at every change with the services that refuse connections */
  constructor(onRefusals: (services: ReadonlySet<ServiceName>) => void) {
    this.#onRefusals = onRefusals;
  }

  inject(fault: Fault): void {
    this.#waiting = [...this.#waiting, fault];
    this.#tellRefusals();
  }

  /** Each fault with the times that are left; 0 means until it is cleared. */
  list(): readonly Fault[] {
    return this.#waiting;
  }

  clear(): void {
    this.#waiting = [];
    this.#tellRefusals();
  }

  /** The fault that applies to this call. Uses it up once. */
  takeForCall(service: ServiceName, action: string): CallFault | undefined {
    return this.#take(
      (fault): fault is CallFault =>
        !isEffectFault(fault) &&
        fault.kind !== 'refuse' &&
        fault.target === service &&
        (fault.action === undefined || fault.action === action),
    );
  }

  /** The fault of this kind that applies to what the service is about to do. Uses it up once. */
  takeForEffect<Kind extends EffectFault['kind']>(
    service: EffectFault['target'],
    kind: Kind,
  ): (EffectFault & { readonly kind: Kind }) | undefined {
    type Wanted = EffectFault & { readonly kind: Kind };
    return this.#take((fault): fault is Wanted => fault.target === service && fault.kind === kind);
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
  'deny',
  'lose',
  'duplicate',
]);

const isEffectFault = (fault: Fault): fault is EffectFault => effectKinds.has(fault.kind);
