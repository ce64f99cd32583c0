import type { CancelCommand } from '../../functions/domain/cancellation.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { cancelPaymentRequest } from '../../functions/application/cancel-payment-request.ts';
import { endExpiredSession, type TimeoutOutcome } from '../../functions/application/end-expired-session.ts';
import type { SessionPaymentRequests, SessionTimer } from '../../functions/application/ports.ts';
import type { AccountSettings } from '../../functions/domain/account-settings.ts';
import { reconcilePaymentRequests } from '../../functions/application/reconcile-payment-requests.ts';
import { recordObservation } from '../../functions/application/record-observation.ts';
import { extendSession, registerSession } from '../../functions/application/register-session.ts';
import { syncKlarnaExpiry } from '../../functions/application/sync-klarna-expiry.ts';
import type { Instant } from '../../functions/domain/instant.ts';
import type { Deadline } from '../../functions/domain/registration.ts';
import { key, settingsWith } from './fixtures.ts';
import { InMemoryKeptAuthorizations } from './in-memory-kept-authorizations.ts';
import { InMemoryAwaitedReferences } from './in-memory-awaited-references.ts';
import { InMemoryPaymentRequestStore } from './in-memory-payment-request-store.ts';
import { ScriptedKlarna } from './scripted-klarna.ts';
import { CountingIds, retries, VirtualClock } from './virtual-clock.ts';

/** The timer of one request, in memory. */
export class InMemoryTimer implements SessionTimer {
  deadline: Instant | undefined;

  arm(_key: unknown, deadlineAt: Instant): Promise<boolean> {
    const isMoved = this.deadline !== undefined && this.deadline !== deadlineAt;
    this.deadline = deadlineAt;
    return Promise.resolve(isMoved);
  }

  remove(): Promise<void> {
    this.deadline = undefined;
    return Promise.resolve();
  }
}

/** Called before and after each call of a port. It throws to make the call fail. */
export type FaultInjector = (call: string, moment: 'before' | 'after') => void;

/** A port that calls the fault injector before and after each call. */
export function withFaults<Port extends object>(name: string, port: Port, injectFault: FaultInjector): Port {
  return new Proxy(port, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property, target);
      if (typeof member !== 'function') return member;
      const method = member.bind(target) as (...args: unknown[]) => unknown;
      if (property === 'due') return method;
      return async (...args: unknown[]) => {
        injectFault(`${name}.${String(property)}`, 'before');
        const result = await method(...args);
        injectFault(`${name}.${String(property)}`, 'after');
        return result;
      };
    },
  });
}

/** Klarna's limit is far away. */
export const alwaysItsTurn = { turn: () => Promise.resolve(true) };

/** The use cases with everything that they need, in memory, for one Payment Request. */
export class World {
  readonly store = new InMemoryPaymentRequestStore();
  readonly authorizations = new InMemoryKeptAuthorizations();
  readonly awaited = new InMemoryAwaitedReferences();
  readonly timer = new InMemoryTimer();
  readonly clock = new VirtualClock();
  readonly klarna: ScriptedKlarna;
  /** A test may turn a switch while sessions run. */
  settings: AccountSettings;
  readonly faults: unknown[] = [];
  /** The calls of the ports, `port.method`, in order. */
  readonly calls: string[] = [];
  /** The timeouts that the sweep reported. */
  readonly expiries: { readonly kind: string; readonly lateness: number }[] = [];
  readonly dependencies;

  constructor(
    klarna = new ScriptedKlarna('SUBMITTED'),
    settings: Partial<AccountSettings> = {},
    injectFault: FaultInjector = () => undefined,
    timer?: SessionTimer,
  ) {
    this.klarna = klarna;
    this.settings = settingsWith(settings);
    const onTimerFault = (error: unknown) => void this.faults.push(error);
    const called: FaultInjector = (call, moment) => {
      if (moment === 'before') this.calls.push(call);
      injectFault(call, moment);
    };
    const store = withFaults('store', this.store, called);
    const ids = new CountingIds();
    this.dependencies = {
      store,
      due: this.store,
      list: this.store,
      authorizations: this.authorizations,
      sessions: {
        ofSession: (...asked: Parameters<SessionPaymentRequests['ofSession']>) => {
          this.calls.push('sessions.ofSession');
          return this.store.ofSession(...asked);
        },
      },
      references: this.store,
      awaited: this.awaited,
      timer: withFaults('timer', timer ?? this.timer, called),
      klarna: withFaults('klarna', klarna, called),
      accounts: { find: () => Promise.resolve(this.settings) },
      clock: this.clock,
      ids,
      syncExpiry: syncKlarnaExpiry({
        store,
        klarna: withFaults('klarna', klarna, called),
        klarnaExpiry: withFaults('klarna', klarna, called),
        clock: this.clock,
        ids,
        onFault: onTimerFault,
        ...retries,
      }),
      ...retries,
      turn: () => Promise.resolve(true),
      pace: alwaysItsTurn,
      onTimerFault,
      onUnreadable: (error: unknown) => void this.faults.push(error),
      onTimeout: ({ kind }: TimeoutOutcome, lateness: number) => void this.expiries.push({ kind, lateness }),
      onFault: (_: unknown, error: unknown) => void this.faults.push(error),
    };
  }

  /** The calls of the table and the timers since the last time, and none of Klarna's. */
  awsCalls(): readonly string[] {
    return this.calls.splice(0).filter((call) => !call.startsWith('klarna.'));
  }

  get record(): PaymentRequest {
    const record = [...this.store.records.values()][0];
    if (!record) throw new Error('there is no record');
    return record;
  }

  cancel = (command: Partial<CancelCommand> = {}) =>
    cancelPaymentRequest(this.dependencies)(
      key,
      { cause: 'api', requestedBy: 'arn:aws:iam::000000000000:user/test', allowCompleted: false, ...command },
      this.settings,
    );

  register = (registration: Parameters<ReturnType<typeof registerSession>>[1]) =>
    registerSession(this.dependencies)(key, registration, this.settings);

  extend = (deadline: Deadline) =>
    extendSession(this.dependencies)(key, { deadline, requestedBy: 'test' }, this.settings);

  timerFires = () => endExpiredSession(this.dependencies)(key, this.settings);

  webhook = (observation: Parameters<ReturnType<typeof recordObservation>>[1]) =>
    recordObservation(this.dependencies)(key, observation);

  sweep = () => reconcilePaymentRequests(this.dependencies)(this.clock.now() + 40_000);
}
