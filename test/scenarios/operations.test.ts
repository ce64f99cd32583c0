import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { defaultSigningKeys } from '../../local/secrets/default-secrets.ts';
import { runCommand } from '../support/command-line.ts';
import { type LocalProcess, startLocalProcess } from '../support/local-process.ts';
import { newPaymentRequestId, SystemClient } from '../support/system-client.ts';

let system: LocalProcess;
let lapse: SystemClient;
let folder: string;
let signingKeysFile: string;
let outputs: Record<string, string>;

const [[keyId, key]] = Object.entries(defaultSigningKeys) as [
  [string, (typeof defaultSigningKeys)[keyof typeof defaultSigningKeys]],
];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lapse-test-'));
  signingKeysFile = join(folder, 'signing-keys.json');
  await writeFile(signingKeysFile, JSON.stringify(defaultSigningKeys));
  // Without schedules, only the redriven timer can end a session here.
  system = await startLocalProcess('--signing-keys', signingKeysFile, '--timers', 'sweep');
  lapse = new SystemClient(system);
  const { body } = await lapse.control('GET', '/outputs');
  outputs = body['Lapse'] as Record<string, string>;
}, 120_000);

afterAll(async () => {
  expect(await system.stop()).toBe(0);
  await rm(folder, { recursive: true });
});

/** Runs a command as an operator does. */
const run = (...command: readonly string[]) => runCommand([...command, '--control', system.control]);

async function send(queue: string, body: unknown): Promise<void> {
  const sqs = new SQSClient({
    endpoint: outputs['AwsEndpointUrl'] ?? '',
    region: outputs['AwsRegion'] ?? '',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  await sqs.send(new SendMessageCommand({ QueueUrl: outputs[queue], MessageBody: JSON.stringify(body) }));
  sqs.destroy();
}

describe('a delivery for an account that is not bound to its key', () => {
  const id = newPaymentRequestId();
  const subject = 'krn:partner:global:account:test:FORGOTTEN';
  const name = `${keyId}/event-of-the-forgotten`;

  it('a quarantined delivery is listed, and explained with its facts', async () => {
    const response = await lapse.deliver(id, 'SUBMITTED', {
      eventId: 'event-of-the-forgotten',
      metadata: { subject_account_id: subject },
    });
    expect(response.status).toBe(200);
    const { lines } = await run('quarantine', 'list', '--reason', 'other_account');
    expect(lines[1]).toContain(`other_account  ${name}`);
    expect((await run('quarantine', 'list', '--reason', 'malformed')).lines).toEqual([
      'The quarantine is empty.',
    ]);
    const explained = (await run('quarantine', 'explain', name)).lines;
    expect(explained).toContain(`  subjectAccountId: ${subject}`);
    expect(explained).toContain('  state: SUBMITTED');
    expect(explained.at(-1)).toMatch(/^A replay now: refused again \(other_account\)/);
  });

  it('a quarantined delivery is refused again until the cause is corrected', async () => {
    const { lines, code } = await run('quarantine', 'replay', name);
    expect(code).toBe(1);
    expect(lines).toEqual([expect.stringContaining(`${name}: refused again (other_account)`)]);
    expect((await lapse.api('GET', `/payment-requests/${id}`)).status).toBe(404);
  });

  it('a quarantined delivery is accepted once after the binding is corrected, by the same write as any webhook', async () => {
    const mended = { ...key, accounts: { ...key.accounts, [subject]: 'demo' } };
    await writeFile(signingKeysFile, JSON.stringify({ [keyId]: mended }));
    const dryRun = await run('quarantine', 'replay', '--all', '--dry-run');
    expect(dryRun).toEqual({ code: 0, errors: [], lines: [`${name}: would be accepted.`] });
    expect(await run('quarantine', 'replay', name, 'x/y')).toMatchObject({
      code: 2,
      lines: [],
      errors: [expect.stringContaining('x/y is not in quarantine')],
    });
    expect((await lapse.api('GET', `/payment-requests/${id}`)).status).toBe(404);

    expect(await run('quarantine', 'replay', '--all')).toEqual({
      code: 0,
      errors: [],
      lines: [`${name}: accepted: the record has its state now`],
    });
    expect((await lapse.record(id))['state']).toBe('SUBMITTED');
    const { body } = await lapse.api('GET', `/payment-requests/${id}/history`);
    expect((body['entries'] as readonly Record<string, unknown>[])[0]).toMatchObject({
      event_id: 'event-of-the-forgotten',
      kind: 'webhook',
      evidence: { quarantined_as: 'other_account' },
    });
    // A second replay changes nothing.
    expect((await run('quarantine', 'replay', '--all')).lines).toEqual([]);
    expect((await run('quarantine', 'replay', name)).lines).toEqual([
      `${name}: accepted: no change, the record has this event already`,
    ]);
    expect((await run('quarantine', 'list')).lines[1]).toMatch(/duplicate$/);
  });
});

describe('a timer that failed after all attempts', () => {
  it('a failed timer is listed, and ends its session when it fires again', async () => {
    const id = await lapse.createAtKlarna();
    const deadline_at = new Date(Date.now() + 1_000).toISOString();
    await lapse.register(id, { deadline_at });
    await send('DeadTimersQueueUrl', { account: 'demo', payment_request_id: id, deadline_at });
    expect((await run('timers', 'list')).lines[1]).toContain(`demo/${id}  ${deadline_at}`);
    expect((await run('timers', 'redrive', '--dry-run')).lines).toEqual([
      expect.stringMatching(/would fire again$/),
    ]);
    await expect.poll(() => Date.now() > Date.parse(deadline_at), { timeout: 5_000 }).toBe(true);
    expect((await run('timers', 'redrive')).lines).toEqual([expect.stringMatching(/fires again$/)]);
    await expect.poll(async () => (await lapse.record(id))['state'], { timeout: 20_000 }).toBe('CANCELED');
    expect((await run('timers', 'list')).lines).toEqual(['No timer has failed.']);
    const { body } = await lapse.control('GET', '/calls');
    expect(body['functions']).toMatchObject({ 'cancel-expired-session': expect.anything() as unknown });
  });
});

it('the status of a local system shows what is open, and says what it does not have', async () => {
  const { lines, code } = await run('status');
  expect(lines[0]).toMatch(/^local {2}\d{4}-/);
  expect(lines).toContain('alarms        a local system has no alarms');
  expect(lines).toContainEqual(expect.stringMatching(/^quarantine {4}\d+$/));
  expect(lines).toContainEqual(expect.stringMatching(/^dead letters {2}failed timers 0; /));
  expect(code).toBe(0);
});

describe('a run of the sweep that failed', () => {
  it('a failed run is listed, and removed after the sweep has run', async () => {
    await send('SweepFailuresQueueUrl', {
      timestamp: '2026-03-01T12:00:00.000Z',
      requestContext: { condition: 'RetriesExhausted' },
      responsePayload: { errorType: 'TransientError', errorMessage: 'the table did not respond' },
    });
    expect((await run('sweep-failures', 'list')).lines[1]).toMatch(
      /TransientError: the table did not respond$/,
    );
    expect(await run('sweep-failures', 'redrive')).toMatchObject({
      code: 0,
      lines: [expect.stringMatching(/: removed: the sweep has run$/)],
    });
    expect((await run('sweep-failures', 'list')).lines).toEqual(['No run of the sweep has failed.']);
  });
});

describe('writes that were not published', () => {
  it('unpublished writes are listed, and their events are published again from the records', async () => {
    const id = newPaymentRequestId();
    await lapse.register(id, { session_timeout: 'PT10M' });
    const eventsOfIt = async () =>
      (await lapse.events()).filter((event) => JSON.stringify(event).includes(id));
    await expect.poll(async () => (await eventsOfIt()).length, { timeout: 10_000 }).toBe(1);
    const arrival = `${new Date().toISOString().slice(0, 19)}Z`;
    await send('UnpublishedEventsQueueUrl', {
      requestContext: { condition: 'RetryAttemptsExhausted' },
      DDBStreamBatchInfo: {
        approximateArrivalOfFirstRecord: arrival,
        approximateArrivalOfLastRecord: arrival,
        batchSize: 3,
      },
    });
    expect((await run('unpublished', 'list')).lines.slice(1)).toEqual([
      expect.stringMatching(/  3 writes between .* were not published \(RetryAttemptsExhausted\)$/),
    ]);
    expect((await run('unpublished', 'replay', '--dry-run')).lines).toEqual([
      expect.stringContaining('would be published'),
    ]);
    expect(await run('unpublished', 'replay')).toMatchObject({
      code: 0,
      lines: [expect.stringContaining('published, 0 refused')],
    });
    const [first, again] = await eventsOfIt();
    // The key tells a consumer that it had this event before. The version is that of the record now.
    const known = first?.['detail'] as Record<string, unknown>;
    expect(again?.['detail']).toMatchObject({ event_key: known['event_key'], state: known['state'] });
    expect((await run('unpublished', 'list')).lines).toEqual(['All events are published.']);
  });
});

describe('an event that the bus refuses for good', () => {
  it('the event waits in the queue, later ones are published, and a replay sends it', async () => {
    const id = await lapse.createAtKlarna();
    const deny = { target: 'eventbridge', kind: 'deny', detailType: 'Payment Request Registered', times: 0 };
    expect((await lapse.control('POST', '/faults', deny)).status).toBe(201);
    const typesOfIt = async () =>
      (await lapse.events())
        .filter((event) => JSON.stringify(event).includes(id))
        .map((event) => event['detail-type']);
    await lapse.register(id, { session_timeout: 'PT10M' });
    await lapse.cancel(id);
    await expect.poll(typesOfIt, { timeout: 10_000 }).toContain('Payment Request State Changed');
    const words = `Payment Request Registered of demo/${id}`;
    await expect
      .poll(async () => (await run('unpublished', 'list')).lines.slice(1), { timeout: 10_000 })
      .toEqual([expect.stringContaining(`${words}, recorded`)]);
    // The policy is as it was: the event stays.
    expect(await run('unpublished', 'replay')).toMatchObject({
      code: 1,
      lines: [expect.stringContaining('refused again (NotAuthorizedForDetailTypeException)')],
    });
    await lapse.control('DELETE', '/faults');
    expect(await run('unpublished', 'replay')).toMatchObject({
      code: 0,
      lines: [expect.stringMatching(/: published$/)],
    });
    expect(await typesOfIt()).toContain('Payment Request Registered');
    expect((await run('unpublished', 'list')).lines).toEqual(['All events are published.']);
  });
});

describe('a request that needs attention', () => {
  const id = newPaymentRequestId();
  const other = newPaymentRequestId();
  const nameOf = (each: string) => `demo/${each}`;

  it('requests that need attention are listed for an account, by kind', async () => {
    for (const each of [id, other]) {
      expect((await lapse.deliver(each, 'CANCELED', { eventId: `first-of-${each}` })).status).toBe(200);
      expect((await lapse.deliver(each, 'EXPIRED')).status).toBe(200);
    }
    await vi.waitFor(async () => {
      const { lines } = await run('attention', 'list', '--account', 'demo', '--kind', 'contradiction');
      expect(lines.slice(1)).toEqual(
        [other, id].map((each) => expect.stringContaining(`contradiction  ${nameOf(each)}`) as unknown),
      );
    });
    const { lines } = await run('attention', 'list', '--account', 'demo', '--kind', 'klarna_denied');
    expect(lines).toEqual(['Nothing needs attention.']);
  });

  it("attention is explained from the history, with the ids that Klarna's support can look up", async () => {
    const { lines } = await run('attention', 'explain', nameOf(id));
    expect(lines[1]).toMatch(/^Klarna reported a second final state/);
    expect(lines).toContainEqual(
      expect.stringMatching(`reported CANCELED\\. .* \\(event first-of-${id}\\)$`),
    );
  });

  it('attention ask reads one request or many from Klarna, and the reason stays', async () => {
    const dryRun = await run('attention', 'ask', '--all', '--account', 'demo', '--dry-run');
    expect(dryRun.lines).toContain(`${nameOf(id)}: would be read from Klarna.`);
    // The simulator does not have them.
    expect(await run('attention', 'ask', nameOf(id))).toEqual({
      code: 1,
      errors: [],
      lines: [`${nameOf(id)}: Klarna returned 404; state in the record: CANCELED.`],
    });
    expect((await run('attention', 'ask', '--all', '--account', 'demo')).lines).toHaveLength(2);
    expect(await lapse.record(id)).toMatchObject({ attention: 'contradiction' });
  });

  it('attention ask reports a response of Klarna, with its correlation id in the history', async () => {
    const known = await lapse.createAtKlarna();
    for (const wrong of ['missing', 'demo/no-id', 'stranger/no-id', `${nameOf(known)}/more`]) {
      expect((await run('attention', 'ask', nameOf(known), wrong)).code).toBeGreaterThan(0);
    }
    expect((await lapse.api('GET', `/payment-requests/${known}`)).status).toBe(404);
    const unknown = nameOf(newPaymentRequestId());
    expect(await run('attention', 'ask', unknown, nameOf(known))).toEqual({
      code: 1,
      errors: [],
      lines: [
        `${unknown}: neither Lapse nor Klarna has it.`,
        expect.stringContaining(`${nameOf(known)}: Klarna responded`),
      ],
    });
    expect(await run('attention', 'ask', nameOf(known))).toEqual({
      code: 0,
      errors: [],
      lines: [`${nameOf(known)}: Klarna responded, see the history; state in the record: SUBMITTED.`],
    });
    const { lines } = await run('attention', 'explain', nameOf(known));
    expect(lines[1]).toBe('It no longer needs attention.');
    expect(lines.at(-1)).toMatch(/\(correlation id [0-9a-f]{32}\)$/);
  });

  it('attention resolve takes the mark off, and an event and the history say why', async () => {
    const words = ['attention', 'resolve', nameOf(id), '--note', 'refunded, order closed'];
    expect((await run(...words)).code).toBe(2);
    expect(await run(...words, '--yes')).toEqual({
      code: 0,
      errors: [],
      lines: [`${nameOf(id)}: the mark contradiction is off, and the history says why.`],
    });
    expect(await lapse.record(id)).toMatchObject({ attention: null, state: 'CANCELED' });
    const { body } = await lapse.api('GET', `/payment-requests/${id}/history`);
    expect((body['entries'] as readonly unknown[]).at(-1)).toMatchObject({
      kind: 'resolve',
      explanation: 'local:operator resolved contradiction: refunded, order closed.',
    });
    await expect
      .poll(async () => JSON.stringify(await lapse.events()), { timeout: 10_000 })
      .toContain('Payment Request Attention Resolved');
    expect((await run(...words, '--yes')).lines).toEqual([`${nameOf(id)}: there is nothing to resolve.`]);
  });
});

describe('an invalid command', () => {
  it.each<[string, readonly string[]]>([
    ['--account is missing', ['attention', 'list']],
    ['There is no record of demo/a/b', ['attention', 'explain', 'demo/a/b']],
    ['x/y is not in quarantine; allowed', ['quarantine', 'explain', 'x/y']],
  ])('an invalid command ends with exit code 2: %s', async (sentence, command) => {
    expect(await run(...command)).toEqual({
      code: 2,
      lines: [],
      errors: [expect.stringContaining(sentence)],
    });
  });
});

describe('an account whose webhooks were lost', () => {
  it('a reconciliation reports what differed, and corrects the record', async () => {
    const id = await lapse.createAtKlarna();
    await lapse.register(id, { session_timeout: 'PT1H' });
    await lapse.simulator('POST', '/faults', {
      kind: 'lose',
      on: 'webhook',
      payment_request_id: id,
      times: 9,
    });
    await lapse.customer(id, 'start');
    await lapse.customer(id, 'approve');
    const dryRun = await run('reconcile', '--account', 'demo', '--dry-run');
    expect(dryRun.lines).toContainEqual(expect.stringContaining(`demo/${id}: would be read from Klarna`));
    const before = new Date().toISOString();
    const { lines, code } = await run('reconcile', '--account', 'demo');
    expect(lines).toContain(
      `demo/${id}: the record said nothing, Klarna says COMPLETED; the record is corrected.`,
    );
    expect(lines.at(-1)).toMatch(/^\d+ records: .*1 differed/);
    expect(code).toBe(0);
    expect((await lapse.record(id))['state']).toBe('COMPLETED');
    expect((await run('reconcile', '--account', 'demo', '--resume', before)).lines).toEqual([
      '0 records: none to read.',
    ]);
  });

  it.each([
    ['an account that does not exist', ['--account', 'unknown-here'], 'allowed: an account with an entry'],
    ['a name that is none', ['--account', 'No'], '--account is No; allowed'],
    ['a time that is none', ['--account', 'demo', '--since', 'noon'], '--since is noon; allowed: a time'],
  ])('a reconciliation of %s is refused', async (_, words, sentence) => {
    const { errors, code } = await run('reconcile', ...words);
    expect(errors.join()).toContain(sentence);
    expect(code).toBe(2);
  });
});
