/** A session with the most Payment Requests fits into a response, and its ids fit into the item of a cancel job. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DynamoDbCancelJobs } from '../../../functions/adapters/dynamodb/dynamodb-cancel-jobs.ts';
import { DynamoDbPaymentRequestStore } from '../../../functions/adapters/dynamodb/dynamodb-payment-request-store.ts';
import { mapConcurrently } from '../../../functions/application/map-concurrently.ts';
import { readSession } from '../../../functions/application/read-session.ts';
import { startCancelJob } from '../../../functions/application/start-cancel-job.ts';
import type { CancelJobId, PaymentRequestId, SessionId } from '../../../functions/domain/identifiers.ts';
import { plusMillis } from '../../../functions/domain/instant.ts';
import { sessionLimit } from '../../../functions/domain/registration.ts';
import { sessionReadResponse } from '../../../functions/http/session-response.ts';
import { engineName, openEmbeddedTable } from '../../support/embedded-table.ts';
import { account, noon } from '../../support/fixtures.ts';
import { registered } from '../../support/sessions.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const sessionId = 'cart-17' as SessionId;

/** The longest id that Klarna may give. */
const idOf = (number: number) =>
  `krn:payment:eu1:request:${String(number).padStart(64, '0')}` as PaymentRequestId;

describe(`a full session on the engine ${engineName}`, () => {
  let table: Awaited<ReturnType<typeof openEmbeddedTable>>;
  let store: DynamoDbPaymentRequestStore;
  beforeAll(async () => {
    table = await openEmbeddedTable();
    store = new DynamoDbPaymentRequestStore({ ...table, retentionDays: 30 });
    await mapConcurrently(Array(sessionLimit).keys(), 20, (number) => {
      const createdAt = plusMillis(noon, number);
      return store.save(undefined, registered({ paymentRequestId: idOf(number), sessionId, createdAt }));
    });
  });
  afterAll(() => table.close());

  it('a full session is read whole, in a response that Lambda accepts', async () => {
    const records = await readSession({ store, sessions: store })(account, sessionId);
    expect(records.map(({ paymentRequestId }) => paymentRequestId)).toEqual(
      Array.from({ length: sessionLimit }, (_, number) => idOf(number)),
    );
    const { body } = sessionReadResponse(account, sessionId, records);
    // Lambda limits a response to 6 MB.
    expect(body.length).toBeLessThan(3_000_000);
  });

  it('a cancel job names all requests of a full session', async () => {
    const jobs = new DynamoDbCancelJobs({ ...table, retentionDays: 30 });
    const start = startCancelJob({ jobs, sessions: store, references: store, clock: new VirtualClock() });
    const key = { account, jobId: 'cart-17' as CancelJobId };
    const started = await start(key, {
      by: 'session_id',
      sessionId,
      dryRun: true,
      reason: undefined,
      requestedBy: 'someone',
      requestSha256: 'ab',
    });
    expect(started).toMatchObject({ kind: 'started', job: { selection: { total: sessionLimit } } });
    const job = await jobs.read(key);
    expect(job && (await jobs.idsOf(job))).toHaveLength(sessionLimit);
  });
});
