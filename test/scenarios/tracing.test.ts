import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { SystemClient } from '../support/system-client.ts';
import { openLocalTarget, type Target } from '../support/target.ts';

let system: Target;
let lapse: SystemClient;

beforeAll(async () => {
  system = await openLocalTarget();
  lapse = new SystemClient(system);
}, 120_000);

afterAll(async () => {
  expect(await system.stop()).toBe(0);
});

const callersTrace = '0af7651916cd43dd8448eb211c80319c';
const fromCaller = { traceparent: `00-${callersTrace}-b7ad6b7169203331-01` };

interface Call {
  readonly payment_request_id: string | null;
  readonly method: string;
  readonly traceparent: string | null;
}

/** The trace ids of the calls about a request, as Klarna got them, by method. */
async function tracesAtKlarna(id: string): Promise<readonly string[]> {
  const { body } = await lapse.simulator('GET', '/calls');
  return (body['calls'] as readonly Call[])
    .filter(({ payment_request_id: about, method }) => about === id && method !== 'POST')
    .map(({ method, traceparent }) => `${method} ${traceparent?.split('-')[1] ?? ''}`);
}

interface Entry {
  readonly kind: string;
  readonly evidence: Readonly<Record<string, string>>;
}

const pathOf = (id: string) => `/payment-requests/${id}`;

it('the timer message, the DELETE, the history and the events of a request have one trace id', async () => {
  const id = await lapse.createAtKlarna();
  const traceId = id.split(':').at(-1)?.replaceAll('-', '') ?? '';
  const { body } = await lapse.register(id, { session_timeout: 'PT2S' });
  expect(body['trace_id']).toBe(traceId);
  await lapse.until(id, ({ state }) => state === 'CANCELED');
  expect(await tracesAtKlarna(id)).toEqual([`GET ${traceId}`, `DELETE ${traceId}`]);
  const history = await lapse.api('GET', `${pathOf(id)}/history`);
  expect(history.body['trace_id']).toBe(traceId);
  await vi.waitFor(async () => {
    const events = (await lapse.events()) as readonly { readonly detail: Record<string, unknown> }[];
    const own = events.filter(({ detail }) => detail['payment_request_id'] === id);
    expect(own.map(({ detail }) => detail['state'])).toContain('CANCELED');
    expect(new Set(own.map(({ detail }) => detail['trace_id']))).toEqual(new Set([traceId]));
  }, 10_000);
});

it('calls to Klarna and the history continue the trace of a caller that sends one', async () => {
  const id = await lapse.createAtKlarna();
  const register = { session_timeout: 'PT10M' };
  await lapse.api('PUT', pathOf(id), register, undefined, { traceparent: 'no trace' });
  await lapse.api('DELETE', pathOf(id), undefined, undefined, fromCaller);
  expect(await tracesAtKlarna(id)).toEqual([`GET ${callersTrace}`, `DELETE ${callersTrace}`]);
  const { body } = await lapse.api('GET', `${pathOf(id)}/history`);
  const traces = (body['entries'] as readonly Entry[]).flatMap(({ kind, evidence }) =>
    kind === 'register' || kind === 'cancel_request' ? [evidence['caller_trace_id']] : [],
  );
  expect(traces[0]).toBeUndefined();
  expect(traces.slice(1)).toContain(callersTrace);
});
