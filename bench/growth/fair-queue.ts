import type { PaymentRequestKey } from '../../functions/domain/identifiers.ts';

/**
 * An SQS fair queue in memory, whose tenants are accounts. A tenant is noisy with a tenth of the messages in flight, and 30 or more
 * (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues-detailed.html). Messages of noisy tenants
 * come after those of all others.
 */
export class FairQueue {
  readonly #waiting = new Map<string, PaymentRequestKey[]>();
  readonly #inFlight = new Map<string, number>();
  #size = 0;
  #isClosed = false;

  send(key: PaymentRequestKey): void {
    const messages = this.#waiting.get(key.account) ?? [];
    messages.push(key);
    this.#waiting.set(key.account, messages);
    this.#size += 1;
  }

  /** No other message will be sent. */
  close(): void {
    this.#isClosed = true;
  }

  /** Whether everything was deleted, and nothing else will come. */
  get isDone(): boolean {
    return this.#isClosed && this.#size === 0;
  }

  receive(most: number): readonly PaymentRequestKey[] {
    const all = [...this.#inFlight.values()].reduce((sum, count) => sum + count, 0);
    const isNoisy = (account: string): boolean => {
      const own = this.#inFlight.get(account) ?? 0;
      return own >= 30 && own * 10 > all;
    };
    const taken: PaymentRequestKey[] = [];
    const accounts = [...this.#waiting.keys()];
    for (const account of [
      ...accounts.filter((each) => !isNoisy(each)),
      ...accounts.filter((each) => isNoisy(each)),
    ]) {
      const messages = this.#waiting.get(account) ?? [];
      taken.push(...messages.splice(0, most - taken.length));
      if (messages.length === 0) this.#waiting.delete(account);
      if (taken.length === most) break;
    }
    for (const { account } of taken) this.#inFlight.set(account, (this.#inFlight.get(account) ?? 0) + 1);
    return taken;
  }

  delete({ account }: PaymentRequestKey): void {
    this.#size -= 1;
    this.#inFlight.set(account, (this.#inFlight.get(account) ?? 0) - 1);
  }

  giveBack(key: PaymentRequestKey): void {
    this.delete(key);
    this.send(key);
  }
}
