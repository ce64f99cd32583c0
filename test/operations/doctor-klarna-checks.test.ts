/** Each check at Klarna by itself. test/scenarios/doctor.test.ts has them together, against the simulator. */
import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { selfSignedIdentity } from '../../bench/stand-ins/certificate.ts';
import { runChecks } from '../../operations/doctor/check.ts';
import { klarnaChecks, type KlarnaWorld } from '../../operations/doctor/klarna-checks.ts';
import { statusPageChecks } from '../../operations/doctor/status-page-check.ts';
import { KlarnaError } from '../../operations/klarna/klarna-error.ts';
import { planted, plantedIn } from '../support/planted-secrets.ts';

const url = 'https://webhook.example/';
const key = {
  id: 'key-1',
  key: planted.signingKey,
  recipientAccountId: undefined,
  webhookId: undefined,
  live: false,
  accounts: new Map(),
};
const webhook = {
  webhook_id: 'webhook-1',
  url,
  event_types: ['payment.*'],
  event_version: 'v2',
  signing_key_id: 'key-1',
  status: 'ENABLED',
};
const day = 86_400_000;
const { certificate, key: clientKey } = await selfSignedIdentity();
const expiry = new X509Certificate(certificate).validToDate.getTime();

/** A healthy world in which a test delivery arrives at once. */
function worldWith(
  changes: Partial<KlarnaWorld> = {},
  klarna: Partial<KlarnaWorld['klarna']> = {},
): KlarnaWorld {
  let [time, arrivals] = [expiry - 300 * day, 0];
  return {
    subject: {
      name: 'the credential acme',
      repair: 'run `lapse connect`.',
      secretName: 'lapse/credentials/acme',
      klarna: {
        credential: 'acme',
        environment: 'test',
        apiKey: planted.apiKey,
        username: undefined,
        clientCertificate: undefined,
        clientKey: undefined,
        rateShare: 0.5,
      },
      accountIds: [],
      owns: () => true,
    },
    klarna: {
      webhooks: () => Promise.resolve([webhook]),
      signingKeys: () => Promise.resolve([{ signing_key_id: 'key-1', created_at: undefined }]),
      apiKeys: () => Promise.resolve([]),
      certificates: () => Promise.resolve([]),
      enforcedFrom: () => Promise.resolve(undefined),
      allowedAddresses: () => Promise.resolve({ mode: undefined, count: 0 }),
      simulate: () => Promise.resolve(void (arrivals += 1)),
      ...klarna,
    },
    probe: () => Promise.resolve({ status: 200, certificate: undefined, address: undefined, clockSkew: 0 }),
    webhookUrl: url,
    signingKeys: [key],
    areKeysReadable: true,
    now: () => time,
    lastArrival: () => Promise.resolve(arrivals || undefined),
    wait: (millis) => Promise.resolve(void (time += millis)),
    isDryRun: false,
    ...changes,
  };
}

/** What a check of the world says: `ok`, or the problems and fixes, or why it did not run. */
async function said(name: string, world: KlarnaWorld): Promise<string> {
  const report = (await runChecks(klarnaChecks, world, 'acme')).find((each) => each.name === name);
  switch (report?.kind) {
    case 'problem':
      return report.problems.map(({ problem, fix }) => `${problem} → ${fix}`).join('\n');
    case 'not_checked':
    case 'not_here':
      return `${report.kind}: ${report.why}`;
    default:
      return report?.kind ?? 'no such check';
  }
}

const withCertificate = (changes: Partial<KlarnaWorld> = {}): KlarnaWorld => {
  const world = worldWith(changes);
  const klarna = { ...world.subject.klarna, clientCertificate: certificate, clientKey };
  return { ...world, subject: { ...world.subject, klarna } };
};

describe('the checks at Klarna', () => {
  it('a healthy account has no problem', async () => {
    const reports = await runChecks(klarnaChecks, worldWith(), 'acme');
    expect(reports.map(({ kind }) => kind)).toEqual(klarnaChecks.map(() => 'ok'));
  });

  it.each([
    [
      'of another version',
      { event_version: 'v1' },
      'webhook version',
      'sends events of version v1; Lapse reads v2. →',
    ],
    ['that is disabled', { status: 'DISABLED' }, 'webhook', 'is disabled: Klarna sends nothing. → Enable it'],
    ['that is disabled', { status: 'DISABLED' }, 'test delivery', 'not_here: The webhook is disabled.'],
    [
      'without our final states',
      { event_types: ['payment.request.state-change.submitted', 'payment.transaction.*'] },
      'webhook types',
      'state-change.canceled, payment.request.state-change.expired',
    ],
    ['with a slash more at the end of its URL', { url: `${url}/` }, 'webhook', 'ok'],
    [
      'with another URL',
      { url: 'https://other.example/x?key=secret' },
      'webhook',
      'Klarna sends them to other.example/x. →',
    ],
  ])('a webhook %s: the check says so', async (_, changes, name, sentence) => {
    const world = worldWith({}, { webhooks: () => Promise.resolve([{ ...webhook, ...changes }]) });
    expect(await said(name, world)).toContain(sentence);
  });

  it('a second, disabled webhook with our URL does not count as a problem', async () => {
    const second = {
      ...webhook,
      webhook_id: 'webhook-2',
      status: 'DISABLED',
      event_types: ['a'],
      event_version: 'v1',
    };
    const world = worldWith({}, { webhooks: () => Promise.resolve([second, webhook]) });
    for (const { name } of klarnaChecks) expect(await said(name, world)).toBe('ok');
  });

  it('a webhook whose key is bound to other accounts is found', async () => {
    const world = worldWith();
    const subject = { ...world.subject, owns: () => false };
    expect(await said('webhook key', { ...world, subject })).toContain(
      'bound to other accounts than those of',
    );
  });

  it('keys that cannot be read are not reported as missing', async () => {
    const world = worldWith({ signingKeys: [], areKeysReadable: false });
    expect([await said('webhook key', world), await said('signing keys', world)]).toEqual(['ok', 'ok']);
  });

  it('a test delivery whose arrival was not noted is fired again, twice at most', async () => {
    let fired = 0;
    const never = worldWith(
      { lastArrival: () => Promise.resolve(7) },
      { simulate: () => Promise.resolve(void (fired += 1)) },
    );
    expect(await said('test delivery', never)).toContain(
      'did not arrive within 20 seconds. → Run `lapse webhooks test`',
    );
    expect(fired).toBe(2);
  });

  it('a dry run fires no test delivery', async () => {
    const world = worldWith(
      { isDryRun: true },
      { simulate: () => Promise.reject(new Error('it was fired')) },
    );
    expect(await said('test delivery', world)).toBe('not_here: A dry run sends no test delivery.');
  });

  it.each([
    ['expires soon', { now: () => expiry - 10 * day }, 'expires in 10 days. → Run `lapse certificate new`'],
    ['has expired', { now: () => expiry + 1 }, 'has expired. → Run `lapse certificate new`'],
    [
      'is not of Klarna',
      {
        probe: () =>
          Promise.resolve({ status: 200, certificate: 'INVALID' as const, address: undefined, clockSkew: 0 }),
      },
      'Klarna reports the client certificate of the credential acme as INVALID. →',
    ],
    ['is valid', {}, 'ok'],
  ])('a client certificate that %s: the check says so', async (_, changes, sentence) => {
    expect(await said('client certificate', withCertificate(changes))).toContain(sentence);
  });

  it.each([
    [61_000, 'ahead of'],
    [-600_000, 'behind'],
    [60_000, 'ok'],
    [undefined, 'not_checked: The response of Klarna has no Date.'],
  ])('a clock that differs by %s ms: the check says so', async (clockSkew, sentence) => {
    const probe = () =>
      Promise.resolve({ status: 200, certificate: undefined, address: undefined, clockSkew });
    expect(await said('clock', worldWith({ probe }))).toContain(sentence);
  });

  it('a Klarna that does not respond is told for each check, and no check throws', async () => {
    const failure = {
      what: 'list webhooks',
      code: 'ECONNREFUSED',
      errorId: undefined,
      correlationId: 'c1',
      parameters: [],
    };
    const fail = (status: number | undefined) => () =>
      Promise.reject(new KlarnaError({ ...failure, status }));
    const unreachable = worldWith(
      { probe: fail(undefined) },
      { webhooks: fail(undefined), apiKeys: fail(403), signingKeys: fail(401) },
    );
    expect(await said('API key', unreachable)).toContain(
      'not_checked: Klarna did not respond (ECONNREFUSED)',
    );
    expect(await said('age of keys', unreachable)).toMatch(
      /not_checked: The call is refused\. It needs an API key/,
    );
    expect(await said('signing keys', unreachable)).toBe('not_checked: Klarna refuses the API key.');
    const texts = JSON.stringify(await runChecks(klarnaChecks, unreachable, 'acme'));
    expect(plantedIn(texts)).toEqual([]);
  });
});

describe("Klarna's status page", () => {
  const run = async (page: string | undefined, callsKlarna = true) =>
    (await runChecks(statusPageChecks, { callsKlarna, read: () => Promise.resolve(page) }, 'Klarna'))[0];

  it('an incident is a problem, in plain text', async () => {
    const incidents = [{ name: 'Payments\u001b[31m are slow', impact: 'major' }];
    expect(await run(JSON.stringify({ incidents }))).toMatchObject({
      problems: [
        {
          problem: 'Klarna reports an incident: Payments [31m are slow (impact: major).',
          fix: expect.stringMatching(/^Wait/) as string,
        },
      ],
    });
  });

  it.each([
    ['that has no incident', JSON.stringify({ incidents: [] }), 'ok'],
    ['that does not respond', undefined, 'ok'],
    ['in another form', '<html>', 'ok'],
  ])('a page %s does not count as a problem', async (_, page, kind) => {
    expect(await run(page)).toMatchObject({ kind });
  });

  it('the page is not read for a system that does not call Klarna itself', async () => {
    expect(await run(JSON.stringify({ incidents: [{ name: 'x' }] }), false)).toMatchObject({
      kind: 'not_here',
    });
  });
});
