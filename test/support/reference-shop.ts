import { cancelPaymentRequest } from '../../functions/application/cancel-payment-request.ts';
import { cancelReference } from '../../functions/application/cancel-session.ts';
import { followReference, followWrite } from '../../functions/application/follow-write.ts';
import { registerReference } from '../../functions/application/register-reference.ts';
import { settleReference } from '../../functions/application/settle-reference.ts';
import { settleReferences } from '../../functions/application/settle-references.ts';
import {
  parseReference,
  type PaymentRequestId,
  type ReferenceKey,
} from '../../functions/domain/identifiers.ts';
import type { IdempotentCall } from '../../functions/domain/idempotent-call.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import { account, key, observed, registrationWith } from './fixtures.ts';
import { afterNoon, minute, unkeyed } from './sessions.ts';
import { ScriptedKlarna } from './scripted-klarna.ts';
import { World } from './world.ts';

export const reference = parseReference('order-4711') ?? fail();
export const referenceKey = { account, reference };

function fail(): never {
  throw new Error('nothing');
}

export const registration = (millis = 20 * minute) =>
  registrationWith({ deadline: { kind: 'session_timeout', millis, given: `PT${millis / 1000}S` } });

const command = { cause: 'api', reason: 'out', requestedBy: 'test', allowCompleted: false } as const;

/** The use cases of references, on one world. */
export class ReferenceShop {
  readonly world: World;
  readonly handedOver: [ReferenceKey, PaymentRequestId][] = [];
  readonly faults: unknown[] = [];

  constructor(state?: PaymentRequestState) {
    this.world = new World(new ScriptedKlarna(state ?? 'SUBMITTED'));
  }

  putOnce = (call?: IdempotentCall, millis?: number) =>
    registerReference(this.world.dependencies)(referenceKey, registration(millis), this.world.settings, call);

  put = async (millis?: number) => unkeyed(await this.putOnce(undefined, millis));

  deleteOnce = (call?: IdempotentCall) =>
    cancelReference({
      ...this.world.dependencies,
      cancel: cancelPaymentRequest(this.world.dependencies),
      isDryRun: false,
    })(reference, command, this.world.settings, call);

  delete = async () => unkeyed(await this.deleteOnce());

  /** Klarna's webhook with the reference. */
  seen = (minutes = 1, id: PaymentRequestId = key.paymentRequestId) =>
    this.world.store.observe(
      { account, paymentRequestId: id },
      { ...observed('SUBMITTED', afterNoon(minutes)), reference },
    );

  settle = (seen?: PaymentRequestId) =>
    settleReference(this.world.dependencies)(referenceKey, this.world.settings, seen);

  sweep = () =>
    settleReferences({
      ...this.world.dependencies,
      onReferenceFault: (_, error) => void this.faults.push(error),
    })(this.world.clock.now() + 40_000);

  /** From now on the index lists no request with the reference. */
  hideFromIndex(): void {
    this.world.store.ofReference = async function* () {
      yield* await Promise.resolve([]);
    };
  }

  item = () => this.world.awaited.read(referenceKey);

  get #following() {
    const handOver = {
      compare: () => Promise.resolve(),
      settle: (...asked: [ReferenceKey, PaymentRequestId]) => {
        this.handedOver.push(asked);
        return Promise.resolve();
      },
    };
    const onFollowFault = (_: unknown, error: unknown) => void this.faults.push(error);
    return { ...this.world.dependencies, handOver, onFollowFault };
  }

  follow = (record: PaymentRequest) => followWrite(this.#following)(record);

  followItem = async () => followReference(this.#following)((await this.item()) ?? fail());
}
