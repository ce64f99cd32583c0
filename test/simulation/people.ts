import type { Account, SessionId } from '../../functions/domain/identifiers.ts';
import type { CancelCommand } from '../../functions/domain/cancellation.ts';
import { isFinal } from '../../functions/domain/payment-request-state.ts';
import { nameOf } from '../support/in-memory-payment-request-store.ts';
import type { Deployment } from './deployment.ts';
import { type FunctionName, InjectedFault } from './engine.ts';
import type { Action } from './plan.ts';
import type { UseCases } from './protocol.ts';
import type { Ports } from './simulated-ports.ts';
import type { TimerQueue } from './timer-queue.ts';
import type { WebhookDeliveries } from './webhook-deliveries.ts';
import type { World } from './world.ts';

/** The session that every registered request belongs to. */
const cart = 'cart-1' as SessionId;

const caller = 'arn:aws:iam::000000000000:user/test';

/** The customer, the callers of the API, and whoever sends us what nobody ordered. */
export class People {
  readonly #world: World;
  readonly #deployment: Deployment;
  readonly #webhooks: WebhookDeliveries;
  readonly #timerQueue: TimerQueue;

  constructor(world: World, deployment: Deployment, webhooks: WebhookDeliveries, timerQueue: TimerQueue) {
    this.#world = world;
    this.#deployment = deployment;
    this.#webhooks = webhooks;
    this.#timerQueue = timerQueue;
  }

  act({ id, request, act }: Action): void {
    const { engine, klarna, judge, plan, settings: accounts, table } = this.#world;
    const planned = plan.requests[request];
    if (!planned) return;
    const { key } = planned;
    const settings = accounts.get(key.account);
    if (!settings) return;
    const name = `a${id}`;
    switch (act.kind) {
      case 'enter':
        klarna.move(key, ['SUBMITTED'], 'IN_PROGRESS', 'shopper');
        return;
      case 'step-back':
        klarna.move(key, ['IN_PROGRESS'], 'SUBMITTED', 'shopper', 'PURCHASE_FLOW_ABORTED');
        return;
      case 'approve':
        klarna.move(key, ['IN_PROGRESS'], 'COMPLETED', 'shopper');
        return;
      case 'decline':
        klarna.move(key, ['IN_PROGRESS'], 'DECLINED', 'klarna');
        return;
      case 'decline-authorization':
        klarna.move(key, ['COMPLETED'], 'DECLINED', 'klarna');
        return;
      case 'second-end': {
        const truth = klarna.of(key);
        if (isFinal(truth?.state) && truth)
          klarna.tell(truth, truth.state === 'EXPIRED' ? 'CANCELED' : 'EXPIRED', truth.state, undefined);
        return;
      }
      case 'register':
        judge.meets(key, 'register');
        this.#callApi(name, 'register', (ports, { register }) =>
          register(ports)(
            key,
            {
              deadline: {
                kind: 'session_timeout',
                millis: act.timeoutMillis,
                given: `PT${act.timeoutMillis / 1000}S`,
              },
              sessionId: cart,
              onTimeout: act.onTimeout,
              inProgressGrace: act.graceMillis,
              requestedBy: caller,
            },
            settings,
          ),
        );
        return;
      case 'extend':
        judge.meets(key, 'extend');
        this.#callApi(name, 'extend', (ports, { extend }) =>
          extend(ports)(
            key,
            { kind: 'session_timeout', millis: act.timeoutMillis, given: `PT${act.timeoutMillis / 1000}S` },
            settings,
            caller,
          ),
        );
        return;
      case 'cancel':
        judge.meets(key, 'cancel');
        this.#callApi(name, 'cancel', (ports, { cancel }) =>
          cancel(ports)(key, commandOf(act.allowCompleted), settings),
        );
        return;
      case 'rehearse':
        judge.meets(key, 'rehearse');
        this.#callApi(name, 'rehearse', (ports, { rehearse }) =>
          rehearse(ports)(key, commandOf(false), settings),
        );
        return;
      case 'refresh':
        judge.meets(key, 'refresh');
        this.#callApi(name, 'refresh', async (ports, { refresh }) => {
          const known = await ports.store.read(key);
          return known && refresh(ports)(known, settings);
        });
        return;
      case 'look':
        this.#callApi(name, 'list', async (ports, { readSession, list }) => {
          const versions = new Map([...table.records].map(([of, { version }]) => [of, version]));
          const members = await readSession(ports)(key.account, cart);
          const { records } = await list(ports)(key.account, {}, undefined, 2);
          for (const record of [...members, ...records])
            judge.check({
              kind: 'shown',
              to: key.account,
              record,
              least: versions.get(nameOf(record)) ?? 1,
              stored: table.records.get(nameOf(record)),
            });
        });
        return;
      case 'stray-timer':
        this.#timerQueue.enqueue(key, engine.now);
        return;
      case 'forge':
        this.#webhooks.forge(name, key, act.how);
    }
  }

  /** A caller who sees a fault that may pass, or no answer, calls again, up to twice. */
  #callApi<Result>(
    name: string,
    kind: FunctionName,
    act: (ports: Ports, useCases: UseCases) => Promise<Result>,
    attempt = 1,
  ): void {
    const { engine, plan } = this.#world;
    this.#deployment.invoke(
      `${name} #${attempt}`,
      kind,
      async (ports, useCases) => {
        await ports.accounts.find(plan.accounts[0]?.account ?? ('' as Account));
        return act(ports, useCases);
      },
      (ending) => {
        const isHopeless =
          ending.kind === 'threw' && ending.error instanceof InjectedFault && !ending.error.retryable;
        if (ending.kind === 'returned' || isHopeless || attempt > 2) return;
        engine.after(1_500 * attempt, () => this.#callApi(name, kind, act, attempt + 1));
      },
    );
  }
}

const commandOf = (allowCompleted: boolean): CancelCommand => ({
  cause: 'api',
  reason: 'out of stock',
  requestedBy: caller,
  allowCompleted,
});
