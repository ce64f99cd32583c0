import type { SystemClient } from '../support/system-client.ts';
import type { Promised } from './load.ts';

const settledStates: ReadonlySet<unknown> = new Set(['COMPLETED', 'CANCELED', 'EXPIRED', 'DECLINED']);

/**
 * What is not yet as it was promised, a line each: the true state is the simulator's, the record is read through the API, and the
 * event is what went out on the bus. An approved request that is not COMPLETED at Klarna is a payment that was taken away.
 */
export async function unsettled(
  lapse: SystemClient,
  promised: readonly Promised[],
): Promise<readonly string[]> {
  const { body } = await lapse.simulator('GET', '/payment-requests');
  const requests = body['payment_requests'] as readonly Record<string, unknown>[];
  const truth = new Map(requests.map((request) => [request['payment_request_id'], request['state']]));
  const published = new Set(
    (await lapse.events()).map(({ detail }) => {
      const { payment_request_id: id, state } = detail as Record<string, unknown>;
      return `${String(id)} ${String(state)}`;
    }),
  );
  const wrong: string[] = [];
  for (const { id, approved } of promised) {
    const state = truth.get(id);
    const recorded = (await lapse.record(id))['state'];
    if (approved && state !== 'COMPLETED') wrong.push(`${id} was paid and is ${String(state)} at Klarna`);
    else if (!settledStates.has(state)) wrong.push(`${id} is still ${String(state)} at Klarna`);
    else if (recorded !== state) wrong.push(`${id} is ${String(state)} at Klarna, ${String(recorded)} here`);
    else if (!published.has(`${id} ${String(state)}`)) wrong.push(`${id} ${String(state)} was not published`);
  }
  return wrong;
}
