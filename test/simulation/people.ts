import type { AccountSettings } from '../../functions/domain/account-settings.ts';
import type { Account, CancelJobId, SessionId } from '../../functions/domain/identifiers.ts';
import type { CancelCommand } from '../../functions/domain/cancellation.ts';
import { instantFromMillis } from '../../functions/domain/instant.ts';
import { isFinal } from '../../functions/domain/payment-request-state.ts';
import type { Deadline, Registration } from '../../functions/domain/registration.ts';
import { nameOf } from '../support/in-memory-payment-request-store.ts';
import type { Deployment } from './deployment.ts';
import { type FunctionName, InjectedFault } from './engine.ts';
import type { Operator } from './operator.ts';
import { type Action, kindOfCheckout, requestIds } from './plan.ts';
import type { UseCases } from './protocol.ts';
import type { Ports } from './simulated-ports.ts';
import type { TimerQueue } from './timer-queue.ts';
import type { WebhookDeliveries } from './webhook-deliveries.ts';
import { referenceOf } from './webhook-bodies.ts';
import type { World } from './world.ts';

/** The session to which every registered request belongs. */
const cart = 'cart-1' as SessionId;

const caller = 'arn:aws:iam::000000000000:user/test';

/** What people set in motion, apart from the functions. */
interface Others {
  readonly webhooks: WebhookDeliveries;
  readonly timerQueue: TimerQueue;
  readonly operator: Operator;
}

/** The customer, the callers of the API, and senders of messages that no one ordered. */
export class People {
  readonly #world: World;
  readonly #deployment: Deployment;
  readonly #others: Others;

  constructor(world: World, deployment: Deployment, others: Others) {
    this.#world = world;
    this.#deployment = deployment;
    this.#others = others;
  }

  act({ id, request, act }: Action): void {
    const { engine, klarna, judge, plan, table } = this.#world;
    const planned = plan.requests[request];
    if (!planned) return;
    const { key } = planned;
    const name = `a${id}`;
    switch (act.kind) {
      case 'enter':
        klarna.move(key, ['SUBMITTED'], 'IN_PROGRESS', 'shopper');
        return;
      case 'step-back':
        klarna.move(key, ['IN_PROGRESS'], 'SUBMITTED', 'shopper', 'PURCHASE_FLOW_ABORTED');
        return;
      case 'storm':
        for (let time = 0; time < act.times; time += 1) {
          engine.after(time * 700, () => {
            const isIn = klarna.of(key)?.state === 'IN_PROGRESS';
            klarna.move(key, ['SUBMITTED', 'IN_PROGRESS'], isIn ? 'SUBMITTED' : 'IN_PROGRESS', 'shopper');
          });
        }
        return;
      case 'approve':
        klarna.move(key, ['IN_PROGRESS'], 'COMPLETED', 'shopper');
        return;
      case 'authorize':
        if (!klarna.authorize(key) || !act.isReported) return;
        judge.meets(key, 'report of the shop');
        this.#callApi(name, key.account, 'register', (ports, { reportAuthorization }) =>
          reportAuthorization(ports)(key, { requestedBy: caller }),
        );
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
      case 'register-in-part': {
        judge.meets(key, act.kind);
        const registration: Registration = {
          deadline: act.timeoutMillis === undefined ? undefined : timeoutOf(act.timeoutMillis),
          sessionId: cart,
          reference:
            act.kind === 'register' ? (plan.hasReferences ? referenceOf(key) : undefined) : act.reference,
          onTimeout: act.onTimeout,
          ...(plan.switched && { kind: kindOfCheckout }),
          inProgressGrace: act.graceMillis,
          supersedes: act.kind === 'register' ? undefined : act.supersedes,
          requestedBy: caller,
        };
        judge.registrations.set(name, registration);
        this.#callApi(name, key.account, 'register', (ports, { register }, settings) =>
          register(ports)(key, registration, settings),
        );
        return;
      }
      case 'register-reference': {
        judge.meets(key, act.kind);
        const registration: Registration = {
          deadline: timeoutOf(act.timeoutMillis),
          sessionId: cart,
          reference: undefined,
          onTimeout: undefined,
          ...(plan.switched && { kind: kindOfCheckout }),
          requestedBy: caller,
        };
        judge.registrations.set(name, { ...registration, reference: referenceOf(key) });
        this.#callApi(name, key.account, 'register', (ports, { registerReference }, settings) =>
          registerReference(ports)(
            { account: key.account, reference: referenceOf(key) },
            registration,
            settings,
          ),
        );
        return;
      }
      case 'cancel-reference':
        judge.meets(key, act.kind);
        this.#callApi(name, key.account, 'cancel', (ports, { cancel, cancelReference }, settings) =>
          cancelReference({ ...ports, cancel: cancel(ports), isDryRun: false })(
            referenceOf(key),
            commandOf(false),
            settings,
          ),
        );
        return;
      case 'extend':
        judge.meets(key, 'extend');
        this.#callApi(name, key.account, 'extend', (ports, { extend }, settings) =>
          extend(ports)(key, { deadline: timeoutOf(act.timeoutMillis), requestedBy: caller }, settings),
        );
        return;
      case 'cancel':
        judge.meets(key, 'cancel');
        this.#callApi(name, key.account, 'cancel', (ports, { cancel }, settings) =>
          cancel(ports)(key, commandOf(act.allowCompleted), settings),
        );
        return;
      case 'dryRun':
        judge.meets(key, 'dryRun');
        this.#callApi(name, key.account, 'dryRun', (ports, { dryRun }, settings) =>
          dryRun(ports)(key, commandOf(false), settings),
        );
        return;
      case 'refresh':
        judge.meets(key, 'refresh');
        this.#callApi(name, key.account, 'refresh', async (ports, { refresh }, settings) =>
          refresh(ports)(key, settings, await ports.store.read(key)),
        );
        return;
      case 'look':
        this.#callApi(name, key.account, 'list', async (ports, { readSession, list }) => {
          const versions = new Map([...table.records].map(([of, { version }]) => [of, version]));
          const members = await readSession(ports)(key.account, cart);
          const { records } = await list({ ...ports, onUnreadable: rethrow })(key.account, {}, undefined, 2);
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
      case 'cancel-session':
        judge.meets(key, 'cancel-session');
        this.#callApi(name, key.account, 'cancel', (ports, { cancel, cancelSession }, settings) =>
          cancelSession({ ...ports, cancel: cancel(ports), isDryRun: false })(
            cart,
            commandOf(false),
            settings,
          ),
        );
        return;
      case 'start-job': {
        const { by, dryRun } = act;
        const job = { account: key.account, jobId: jobIdOf(act.job) };
        const selection = this.#selectionOf(by);
        const request = {
          ...selection,
          dryRun,
          reason: 'sold out',
          requestedBy: caller,
          requestSha256: JSON.stringify([selection, dryRun]),
        };
        this.#callApi(name, key.account, 'job', (ports, { startJob }) => startJob(ports)(job, request));
        return;
      }
      case 'stop-job': {
        const job = { account: key.account, jobId: jobIdOf(act.job) };
        this.#callApi(name, key.account, 'job', (ports, { stopJob }) => stopJob(ports)(job));
        return;
      }
      case 'operate':
        this.#others.operator.run(name, act.task, act.isDryRun);
        return;
      case 'erase':
        judge.meets(key, 'erase');
        this.#others.operator.erase(name, key);
        return;
      case 'stray-timer':
        this.#others.timerQueue.enqueue(key, engine.now);
        return;
      case 'forge':
        this.#others.webhooks.forge(name, key, act.how);
        return;
      case 'unused':
        this.#others.webhooks.sendUnused(name, key, act.why);
    }
  }

  /** A list also names requests that do not exist. */
  #selectionOf(by: 'ids' | 'session' | 'age') {
    switch (by) {
      case 'ids':
        return { by: 'payment_request_ids', paymentRequestIds: requestIds } as const;
      case 'session':
        return { by: 'session_id', sessionId: cart } as const;
      case 'age':
        return {
          by: 'created_before',
          createdBefore: instantFromMillis(this.#world.engine.now),
          given: 'now',
        } as const;
    }
  }

  /** A caller that sees a transient fault or no response calls again, at most twice. */
  #callApi<Result>(
    name: string,
    account: Account,
    kind: FunctionName,
    act: (ports: Ports, useCases: UseCases, settings: AccountSettings) => Promise<Result>,
    attempt = 1,
  ): void {
    const { engine } = this.#world;
    this.#deployment.invoke(
      `${name} #${attempt}`,
      kind,
      async (ports, useCases) => {
        const settings = await ports.accounts.find(account);
        if (!settings) throw new Error(`no account ${account}`);
        return act(ports, useCases, settings);
      },
      (ending) => {
        const isHopeless =
          ending.kind === 'threw' && ending.error instanceof InjectedFault && !ending.error.retryable;
        if (ending.kind === 'returned' || isHopeless || attempt > 2) return;
        engine.after(1_500 * attempt, () => this.#callApi(name, account, kind, act, attempt + 1));
      },
    );
  }
}

const timeoutOf = (millis: number): Deadline => ({
  kind: 'session_timeout',
  millis,
  given: `PT${millis / 1000}S`,
});

const jobIdOf = (job: number) => `job-${job}` as CancelJobId;

const commandOf = (allowCompleted: boolean): CancelCommand => ({
  cause: 'api',
  reason: 'out of stock',
  requestedBy: caller,
  allowCompleted,
});

/** The simulated table keeps no record that cannot be read. */
function rethrow(error: unknown): never {
  throw error;
}
