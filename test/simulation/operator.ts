import { replayQuarantine } from '../../operations/quarantine-commands.ts';
import type { ShowResult } from '../../operations/printer.ts';
import { isKnown } from '../../operations/resolve-attention-command.ts';
import { redriveTimers } from '../../operations/timers-commands.ts';
import { replayUnpublished } from '../../operations/unpublished-commands.ts';
import { judgeDelivery } from '../../functions/webhook/klarna-delivery.ts';
import type { PaymentRequestKey } from '../../functions/domain/identifiers.ts';
import type { Deployment } from './deployment.ts';
import type { Task } from './tasks.ts';
import { accountNamed, requestIds } from './plan.ts';
import type { UseCases } from './protocol.ts';
import type { Ports } from './simulated-ports.ts';
import type { World } from './world.ts';

/**
 * An operator at the command line, who replays abandoned or quarantined messages: in time, too early, twice, or while
 * another does.
 */
export class Operator {
  readonly #world: World;
  readonly #deployment: Deployment;

  constructor(world: World, deployment: Deployment) {
    this.#world = world;
    this.#deployment = deployment;
  }

  run(name: string, task: Task, isDryRun: boolean): void {
    const { engine } = this.#world;
    this.#deployment.invoke(
      name,
      'operator',
      (ports, useCases) => {
        const show: ShowResult = (_, line) => engine.note(name, () => `   prints: ${line}`);
        return commands[task](ports, useCases, isDryRun, show);
      },
      () => undefined,
    );
  }

  /** Erases the record of a request, if it has one that has ended. */
  erase(name: string, key: PaymentRequestKey): void {
    this.#deployment.invoke(
      name,
      'operator',
      (ports, { erase }) => erase(ports)([key], false),
      () => undefined,
    );
  }
}

type Command = (ports: Ports, useCases: UseCases, isDryRun: boolean, show: ShowResult) => Promise<unknown>;

const commands: Readonly<Record<Task, Command>> = {
  'redrive-timers': ({ queues }, _, isDryRun, show) => redriveTimers(queues, isDryRun, show),
  'resolve-attention': resolveAll,
  'replay-unpublished': ({ queues, ...ports }, { republish, republishRecord }, isDryRun, show) =>
    replayUnpublished(
      {
        ...queues,
        publisher: ports.publisher,
        republish: republish(ports),
        republishRecord: republishRecord(ports),
      },
      isDryRun,
      show,
    ),
  'replay-quarantined': ({ quarantine, ...ports }, { replay }, isDryRun, show) =>
    replayQuarantine(
      {
        quarantine,
        replay: replay({
          ...ports,
          quarantine,
          judge: ({ facts, bodySha256 }, key, now) => judgeDelivery(facts, key, now, bodySha256),
        }),
      },
      { all: {} },
      isDryRun,
      show,
    ),
};

/** Resolves the mark of each record that has one. Between the read and the write, the record may change. */
async function resolveAll(
  { store, ...ports }: Ports,
  { resolve }: UseCases,
  isDryRun: boolean,
): Promise<void> {
  for (const account of [accountNamed(0), accountNamed(1)]) {
    for (const paymentRequestId of requestIds) {
      const key = { account, paymentRequestId };
      const attention = (await store.read(key))?.attention;
      if (attention === undefined || !isKnown(attention) || isDryRun) continue;
      await resolve({ ...ports, store })(key, { attention, by: 'operator', note: 'looked into' });
    }
  }
}
