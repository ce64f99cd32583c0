import { describe, expect, it } from 'vitest';
import type { HistoryEntry, PaymentRequestRecord } from '../../client/responses.ts';
import type { KlarnaCredentials } from '../../functions/domain/account-settings.ts';
import { parseAccount } from '../../functions/domain/identifiers.ts';
import type { KlarnaResponse } from '../../functions/domain/klarna-response.ts';
import { viewOf } from '../../functions/http/payment-request-view.ts';
import { findTestAccount } from '../../operations/try/test-account.ts';
import { tryRequest, type TryOptions } from '../../operations/try/try-request.ts';
import { requestId } from '../support/cancel-jobs.ts';
import { recordWith } from '../support/fixtures.ts';
import { traceIdOf } from '../../functions/domain/trace.ts';

const id = requestId(7);
const startedAt = Date.parse('2026-11-30T12:00:00Z');

/** What goes wrong in a world. */
interface Trouble {
  readonly registrationFails?: boolean;
  /** The timer never fires. */
  readonly staysOpen?: boolean;
  readonly webhookIsLost?: boolean;
  readonly lapseIsDown?: boolean;
  readonly klarnaIsDown?: boolean;
  /** The person interrupts at this second. */
  readonly interruptedAt?: number;
  /** Klarna ends it by itself. */
  readonly expires?: boolean;
  /** The operator may not read the log. */
  readonly logIsDenied?: boolean;
}

/** Klarna and Lapse in virtual time: the timeout cancels at its deadline, and the webhook comes three seconds later. */
function world(trouble: Trouble = {}) {
  const stop = new AbortController();
  let now = startedAt;
  let created = 0;
  let atKlarna = 'SUBMITTED';
  let endedAt = Number.POSITIVE_INFINITY;
  let deadline = Number.POSITIVE_INFINITY;
  const lines: string[] = [];
  const advance = () => {
    if (now >= deadline && !trouble.staysOpen && atKlarna === 'SUBMITTED') {
      atKlarna = trouble.expires ? 'EXPIRED' : 'CANCELED';
      endedAt = now;
    }
    if (trouble.interruptedAt !== undefined && now >= startedAt + trouble.interruptedAt * 1_000) stop.abort();
  };
  const record = () =>
    viewOf(recordWith({ paymentRequestId: id, state: atKlarna as 'CANCELED' })) as PaymentRequestRecord;
  const options: TryOptions = {
    client: {
      register: () => {
        if (trouble.registrationFails) return Promise.reject(new Error('503 unavailable'));
        deadline = now + 120_000;
        return Promise.resolve({
          outcome: 'registered',
          record: { ...record(), deadline_at: new Date(deadline).toISOString() },
        });
      },
      get: () => Promise.resolve(record()),
      history: () => {
        const has = now >= endedAt + 3_000 && !trouble.webhookIsLost;
        const entry = {
          event_id: 'e1',
          kind: 'webhook',
          state: 'CANCELED',
          recorded_at: 't',
          explanation: 'w',
        };
        return Promise.resolve({
          account: 'demo',
          payment_request_id: id,
          trace_id: traceIdOf(id),
          entries: has ? [entry as HistoryEntry] : [],
          dropped: 0,
          first_dropped_at: null,
          last_dropped_at: null,
        });
      },
      cancel: () => {
        if (trouble.lapseIsDown) return Promise.reject(new Error('no response'));
        if (!trouble.klarnaIsDown) atKlarna = 'CANCELED';
        return Promise.resolve({ outcome: 'canceled', record: record() });
      },
    },
    klarna: {
      create: () => {
        created += 1;
        return Promise.resolve(id);
      },
      read: () =>
        trouble.klarnaIsDown
          ? Promise.reject(new Error('down'))
          : Promise.resolve({ kind: 'payment_request', state: atKlarna } as KlarnaResponse),
      cancel: () => {
        if (!trouble.klarnaIsDown) atKlarna = 'CANCELED';
        return Promise.resolve({ kind: 'payment_request', state: 'CANCELED' } as KlarnaResponse);
      },
    },
    webhookOfEnd: () =>
      trouble.logIsDenied ? Promise.reject(new Error('AccessDenied')) : new Promise(() => undefined),
    purchase: { currency: 'EUR', amount: 1_000, reference: 'lapse-try-1' },
    timeout: 120_000,
    show: (step, _, line) => lines.push(`${step}: ${line}`),
    signal: stop.signal,
    now: () => now,
    wait: (millis) => {
      now += millis;
      advance();
      return Promise.resolve();
    },
  };
  return { options, lines, atKlarna: () => atKlarna, created: () => created, abort: () => stop.abort() };
}

describe('a trial of a test Payment Request', () => {
  it('shows each step until the request is canceled and its webhook is here', async () => {
    const { options, lines } = world();
    expect(await tryRequest(options)).toBe(true);
    expect(lines.map((line) => line.split(':')[0])).toEqual([
      'created',
      'registered',
      'canceled',
      'history',
      'webhook',
    ]);
  });

  it.each<[string, Trouble, RegExp]>([
    ['the registration fails', { registrationFails: true }, /problem: 503 unavailable/],
    ['the timer never fires', { staysOpen: true }, /not canceled in time/],
    ['the webhook is lost', { webhookIsLost: true }, /webhook has not arrived/],
    ['it ends in another way', { expires: true }, /ended as EXPIRED/],
    ['the log cannot be read', { logIsDenied: true }, /problem: AccessDenied/],
    ['the person interrupts', { interruptedAt: 5 }, /Interrupted\. Canceling/],
    [
      'the person interrupts while Lapse is down',
      { interruptedAt: 5, lapseIsDown: true },
      /Interrupted\. Canceling/,
    ],
  ])('leaves no open request and fails where %s', async (_, trouble, words) => {
    const { options, lines, atKlarna } = world(trouble);
    expect(await tryRequest(options)).toBe(false);
    expect(lines.join('\n')).toMatch(words);
    expect(atKlarna()).not.toBe('SUBMITTED');
  });

  it('says that it does not know the end where Klarna does not respond', async () => {
    const { options, lines } = world({ klarnaIsDown: true, interruptedAt: 1 });
    expect(await tryRequest(options)).toBe(false);
    expect(lines.at(-1)).toMatch(/not known whether krn.* Klarna ends it by itself/);
  });

  it('creates nothing where it was interrupted before', async () => {
    const { options, created, abort } = world();
    abort();
    expect(await tryRequest(options)).toBe(false);
    expect(created()).toBe(0);
  });
});

describe('the account of a trial', () => {
  const klarna = { environment: 'test', apiKey: 'klarna_test_api_x' } as KlarnaCredentials;
  const search = (
    found: Partial<KlarnaCredentials> | undefined,
    entryNames: readonly string[] = ['demo'],
  ) => ({
    find: () => Promise.resolve(found && { klarna: { ...klarna, ...found } }),
    entryNames: () => Promise.resolve(entryNames),
    credentials: () => Promise.resolve([]),
  });

  it('is the only one that the secrets name, where none was given', async () => {
    expect(await findTestAccount(search({}), undefined)).toMatchObject({ account: 'demo' });
  });

  it.each([
    ['several could be meant', search({}, ['demo', 'other']), undefined, 'allowed: demo, other.'],
    ['none is known', search({}, []), undefined, 'allowed: the name of an account'],
    ['it is unknown', search(undefined), parseAccount('demo'), 'The account is demo'],
    [
      'it is of the live environment',
      search({ environment: 'live' }),
      parseAccount('demo'),
      'is of the live',
    ],
    [
      'its key is of the live environment',
      search({ apiKey: 'klarna_live_api_planted' }),
      parseAccount('demo'),
      'is of the live',
    ],
  ])('is refused where %s', async (_, given, account, words) => {
    const refusal = await findTestAccount(given, account).catch((error: unknown) => String(error));
    expect(refusal).toContain(words);
    expect(refusal).not.toContain('planted');
  });
});
