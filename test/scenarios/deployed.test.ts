import { DeleteMessageBatchCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { beforeAll, describe, it } from 'vitest';
import * as v from 'valibot';
import { checkedJson } from '../../local/shared/checked-json.ts';
import { SystemClient } from '../support/system-client.ts';
import { hasSimulator, isDeployed, openTarget, timers } from '../support/target.ts';

let lapse: SystemClient;
let eventsQueue: string | undefined;

const eventSchema = v.object({
  'detail-type': v.string(),
  detail: v.looseObject({ payment_request_id: v.string(), event_key: v.string() }),
});

/** Every event that the queue has had so far, by its Payment Request. */
const received = new Map<string, string[]>();
const sqs = new SQSClient({});

async function receiveEvents(QueueUrl: string): Promise<void> {
  for (;;) {
    const { Messages: messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
    );
    if (messages.length === 0) return;
    for (const { Body: body = '' } of messages) {
      const read = checkedJson(eventSchema, body);
      if (!('value' in read)) throw new Error(`${body} is not an event: ${read.violation}`);
      const { detail, 'detail-type': type } = read.value;
      const events = received.get(detail.payment_request_id) ?? [];
      received.set(detail.payment_request_id, [...events, `${type} ${String(detail['state'])}`]);
    }
    const Entries = messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  }
}

const isEnded = (record: Record<string, unknown>): boolean =>
  record['final'] === true && (record['cancellation'] as { outcome?: string } | null)?.outcome === 'canceled';

/** What may pass after the deadline: Scheduler is precise to a minute, and the sweep runs every minute. */
const latest = 90_000;

// Real time passes here: a local system has a clock that can be set, and its own scenarios.
describe.skipIf(!isDeployed || !hasSimulator).concurrent('sessions on a deployed stack', () => {
  beforeAll(async () => {
    const target = await openTarget();
    lapse = new SystemClient(target);
    eventsQueue = target.eventsQueue;
  });

  it.for([65, 120])(
    'a session of %i seconds ends by its timer, with one DELETE and an event on the bus',
    { timeout: 300_000 },
    async (seconds, { expect }) => {
      const id = await lapse.createAtKlarna();
      const registered = await lapse.register(id, { session_timeout: `PT${seconds}S` });
      expect([registered.status, registered.body['timer']]).toEqual([
        201,
        timers === 'sweep' ? 'sweep' : 'armed',
      ]);
      const deadline = Date.parse(String(registered.body['deadline_at']));
      const record = await lapse.until(id, isEnded, seconds * 1_000 + latest);
      expect(record).toMatchObject({
        state: 'CANCELED',
        cancellation: { cause: 'timeout', outcome: 'canceled' },
      });
      expect(Date.parse(String(record['updated_at']))).toBeGreaterThanOrEqual(deadline);
      expect((await lapse.callsAtKlarna(id)).filter((method) => method === 'DELETE')).toHaveLength(1);
      const queue = eventsQueue;
      if (queue === undefined) return;
      await expect
        .poll(
          async () => {
            await receiveEvents(queue);
            return received.get(id);
          },
          { timeout: 30_000, interval: 500 },
        )
        .toEqual(
          expect.arrayContaining([
            expect.stringContaining('Payment Request Registered'),
            'Payment Request State Changed CANCELED',
          ]),
        );
    },
  );

  it('a session that is paid before its deadline is spared', { timeout: 300_000 }, async ({ expect }) => {
    const id = await lapse.createAtKlarna();
    await lapse.register(id, { session_timeout: 'PT70S' });
    await lapse.customer(id, 'start');
    await lapse.customer(id, 'approve');
    const record = await lapse.until(id, ({ timer }) => timer === 'fired', 70_000 + latest);
    expect(record['state']).toBe('COMPLETED');
    expect(await lapse.callsAtKlarna(id)).not.toContain('DELETE');
  });

  it('a session whose deadline moves ends at the new deadline', { timeout: 300_000 }, async ({ expect }) => {
    const id = await lapse.createAtKlarna();
    await lapse.register(id, { session_timeout: 'PT30M' });
    const moved = await lapse.api('PATCH', `/payment-requests/${id}`, { session_timeout: 'PT100S' });
    expect(moved.status).toBe(200);
    expect((await lapse.until(id, isEnded, 100_000 + latest))['state']).toBe('CANCELED');
  });
});
