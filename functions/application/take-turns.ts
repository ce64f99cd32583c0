import type { PaymentRequestKey } from '../domain/identifiers.ts';
import { DeficitRoundRobin } from './deficit-round-robin.ts';

/** Keys of one account that are kept at once: more than one run of the sweep can settle. The rest stay due. */
const mostOfAccount = 20_000;

/** Keys that are kept at once, of all accounts. */
const mostKept = 50_000;

/**
 * The keys in turn by account, whatever their order was. It reads ahead, so that an account with one key does not wait behind ten
 * thousand of another. A key that it leaves out is one of an account with very many: it stays due, and the next run finds it.
 */
export async function* takeTurns(keys: AsyncIterable<PaymentRequestKey>): AsyncGenerator<PaymentRequestKey> {
  const waiting = new DeficitRoundRobin<PaymentRequestKey>(1);
  const source = keys[Symbol.asyncIterator]();
  const reader: { isOver: boolean; failure?: { readonly error: unknown } } = { isOver: false };
  let wake = (): void => undefined;
  const readAhead = async (): Promise<void> => {
    try {
      while (!reader.isOver && waiting.size < mostKept) {
        const result = await source.next();
        if (result.done === true) reader.isOver = true;
        else if (waiting.waitingOf(result.value.account) < mostOfAccount)
          waiting.push(result.value.account, result.value, 1);
        wake();
      }
      reader.isOver = true;
    } catch (error) {
      reader.failure = { error };
      reader.isOver = true;
    } finally {
      wake();
    }
  };
  const reading = readAhead();
  try {
    for (;;) {
      const key = waiting.next();
      if (key) yield key;
      else if (reader.isOver) break;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    reader.isOver = true;
    await reading;
    await source.return?.();
  }
  if (reader.failure) throw reader.failure.error;
}
