import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDbPaymentRequestStore } from '../../functions/adapters/dynamodb/dynamodb-payment-request-store.ts';
import { mapConcurrently } from '../../functions/application/map-concurrently.ts';
import type { Account, PaymentRequestId } from '../../functions/domain/identifiers.ts';
import { instantFromMillis, plusMillis } from '../../functions/domain/instant.ts';
import { type PaymentRequest, unknownPaymentRequest } from '../../functions/domain/payment-request.ts';
import { sweepMargin } from '../../functions/domain/due.ts';
import { type LocalProcess, startLocalProcess } from '../../test/support/local-process.ts';
import { SystemClient } from '../../test/support/system-client.ts';

const account = 'demo' as Account;

export const newId = (): PaymentRequestId => `krn:payment:eu1:request:${randomUUID()}` as PaymentRequestId;

/** A local system in its own processes, and the calls of the load generator, which is this process. */
export interface System {
  readonly lapse: SystemClient;
  readonly process: LocalProcess;
  /**
   * Writes open sessions with this deadline, in milliseconds since 1970, into the table. Uses the codec of the
   * functions.
   */
  seed(ids: readonly PaymentRequestId[], deadline: number): Promise<void>;
  /** Resolves once the bus has received CANCELED for each of these. It sends no calls, so it slows nothing down. */
  allCanceled(ids: readonly string[], onCanceled: (done: number) => void): Promise<void>;
  /** The number of calls of each AWS action since the start. */
  calls(): Promise<Readonly<Record<string, number>>>;
  /** Resolves once the stream has nothing left to publish. */
  atRest(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a local system whose Klarna has no rate limit. */
export async function startSystem(): Promise<System> {
  const process = await startLocalProcess();
  const lapse = new SystemClient(process);
  const { body } = await lapse.control('GET', '/outputs');
  const store = storeOf(body['Lapse'] as Readonly<Record<string, string>>);
  await lapse.simulator('POST', '/settings', { rateLimit: 100_000_000 });
  return {
    lapse,
    process,
    calls: () => countedBy(lapse),
    allCanceled: (ids, onCanceled) => allCanceled(process.control, ids, onCanceled),
    async seed(ids, deadline) {
      await mapConcurrently(ids, 32, (paymentRequestId) =>
        store.save(undefined, openSession(paymentRequestId, deadline)),
      );
    },
    async atRest() {
      for (let before = '', quiet = 0; quiet < 3;) {
        await new Promise((done) => setTimeout(done, 700));
        const now = JSON.stringify((await lapse.control('GET', '/calls')).body);
        quiet = now === before ? quiet + 1 : 0;
        before = now;
      }
    },
    async stop() {
      await process.stop();
    },
  };
}

/** The store of the functions, on the table of a local system with these outputs. */
const storeOf = (outputs: Readonly<Record<string, string>>): DynamoDbPaymentRequestStore =>
  new DynamoDbPaymentRequestStore({
    client: new DynamoDBClient({
      endpoint: outputs['AwsEndpointUrl'] ?? '',
      region: outputs['AwsRegion'] ?? '',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    }),
    tableName: outputs['TableName'] ?? '',
    retentionDays: 400,
  });

async function countedBy(lapse: SystemClient): Promise<Readonly<Record<string, number>>> {
  const { body: counted } = await lapse.control('GET', '/calls');
  const flat: Record<string, number> = {};
  for (const [group, members] of Object.entries(counted)) {
    for (const [name, count] of Object.entries(members as Record<string, unknown>)) {
      flat[`${group}: ${name}`] =
        typeof count === 'number' ? count : Number(Object.values(count as object)[0]);
    }
  }
  return flat;
}

async function allCanceled(
  control: string,
  ids: readonly string[],
  onCanceled: (done: number) => void,
): Promise<void> {
  const left = new Set(ids);
  const { body } = await fetch(`${control}/events?follow=true`);
  if (!body) throw new Error('The control address has no events to follow.');
  const events = Readable.fromWeb(body);
  try {
    for await (const line of createInterface({ input: events })) {
      const { detail } = JSON.parse(line) as { readonly detail: Readonly<Record<string, string>> };
      const isNew = detail['state'] === 'CANCELED' && left.delete(detail['payment_request_id'] ?? '');
      if (isNew) onCanceled(ids.length - left.size);
      if (left.size === 0) return;
    }
  } finally {
    events.destroy();
  }
  throw new Error(`The events ended before ${left.size} of the sessions did.`);
}

/** As a registration leaves it, without its history: no event is published for it. */
function openSession(paymentRequestId: PaymentRequestId, deadline: number): PaymentRequest {
  const now = instantFromMillis(Date.now());
  const deadlineAt = instantFromMillis(deadline);
  return {
    ...unknownPaymentRequest({ account, paymentRequestId }, now),
    state: 'SUBMITTED',
    session: { registeredAt: now, requested: 'PT48H', onTimeout: 'cancel', extensions: 0 },
    deadlineAt,
    timer: 'armed',
    dueAt: plusMillis(deadlineAt, sweepMargin),
    version: 1,
  };
}
