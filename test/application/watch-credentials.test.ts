import { describe, expect, it } from 'vitest';
import { paceCalls } from '../../functions/application/pace-calls.ts';
import { watchCredentials } from '../../functions/application/watch-credentials.ts';
import type { KlarnaCredentials } from '../../functions/domain/account-settings.ts';
import { plusMillis } from '../../functions/domain/instant.ts';
import { key, noon, settingsWith } from '../support/fixtures.ts';
import { InMemoryCredentialNotes } from '../support/in-memory-credential-notes.ts';
import { denied, ScriptedKlarna, unclear } from '../support/scripted-klarna.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const hour = 3_600_000;
const day = 24 * hour;
const { klarna: base } = settingsWith();
const named = (credential: string, fields: Partial<KlarnaCredentials> = {}): KlarnaCredentials => ({
  ...base,
  credential,
  ...fields,
});

/** Processes with the same notes and Klarna. Each sweep may run in another one. */
function deployment(...credentials: readonly KlarnaCredentials[]) {
  const [notes, clock, klarna] = [
    new InMemoryCredentialNotes(),
    new VirtualClock(),
    new ScriptedKlarna(undefined),
  ];
  let inUse = credentials;
  const use = (...others: readonly KlarnaCredentials[]) => void (inUse = others);
  const certificates: (readonly [string, number])[] = [];
  const faults: string[] = [];
  const budgets = {
    take: () => Promise.resolve(true),
    pausedUntil: () => Promise.resolve(0),
    pause: () => Promise.resolve(),
  };
  const newProcess = () => {
    const paced = paceCalls({ budgets, notes, clock, onFault: () => undefined }).paced(klarna);
    const watch = watchCredentials({
      inUse: () => Promise.resolve(inUse),
      notes,
      klarna: paced,
      clock,
      onCertificate: (...told) => void certificates.push(told),
      onHeartbeat: () => undefined,
      onFault: (credential) => void faults.push(credential),
    });
    return { paced, watch: (until = clock.now() + hour) => watch(until) };
  };
  /** Sweeps once an hour, each time in a new process. Returns the calls of that time. */
  const pass = async (hours: number) => {
    klarna.received.splice(0);
    for (let each = 0; each < hours; each += 1) {
      clock.advance(hour);
      await newProcess().watch();
    }
    return klarna.received.map(({ credentials: { credential } }) => credential);
  };
  return { notes, clock, klarna, certificates, faults, newProcess, pass, use };
}

describe('a heartbeat', () => {
  it('a credential without calls gets one read a day, whichever process sweeps', async () => {
    const { klarna, pass } = deployment(named('a'));
    expect(await pass(24)).toEqual([]);
    expect(await pass(1)).toEqual(['a']);
    expect(klarna.calls).toEqual(['read']);
    expect(await pass(23)).toEqual([]);
    expect(await pass(24)).toEqual(['a']);
  });

  it('a credential with a call in the last day gets none', async () => {
    const { newProcess, pass } = deployment(named('a'));
    for (let days = 0; days < 4; days += 1) {
      await newProcess().paced.read(named('a'), key.paymentRequestId, 1_000);
      expect(await pass(22)).toEqual([]);
    }
    expect(await pass(3)).toEqual(['a']);
  });

  it.each(['read', 'cancel', 'moveExpiry'] as const)(
    'a %s counts as a call, also one that Klarna refuses',
    async (call) => {
      const { notes, newProcess } = deployment(named('a'));
      const { paced } = newProcess();
      if (call === 'moveExpiry')
        await paced.moveExpiry(named('a'), key.paymentRequestId, plusMillis(noon, hour), {
          timeoutMillis: 1,
        });
      else await paced[call](named('a'), key.paymentRequestId, 1_000);
      expect(notes.uses.get('a')?.call).toEqual({
        paymentRequestId: key.paymentRequestId,
        partnerAccountId: undefined,
      });
    },
  );

  it.each([
    ['is refused', denied()],
    ['gets no response', unclear],
  ])('a heartbeat that %s is made again an hour later', async (_, response) => {
    const { klarna, pass } = deployment(named('a'));
    await pass(24);
    klarna.responses('read', response);
    expect(await pass(1)).toEqual(['a']);
    expect(await pass(1)).toEqual(['a']);
    expect(await pass(20)).toEqual([]);
  });

  it('a heartbeat repeats the last call, on the path of its account', async () => {
    const partnerAccountId = 'krn:partner:global:account:test:M48JWZF8';
    const { klarna, newProcess, pass } = deployment(named('acquirer'));
    await newProcess().paced.read(named('acquirer', { partnerAccountId }), key.paymentRequestId, 1_000);
    await pass(25);
    expect(klarna.received).toMatchObject([
      { paymentRequestId: key.paymentRequestId, credentials: { partnerAccountId } },
    ]);
  });

  it('each credential has one heartbeat, however many accounts it serves', async () => {
    const { pass } = deployment(named('a'), named('b'), named('a', { partnerAccountId: 'krn:x' }));
    await pass(24);
    expect(await pass(1)).toEqual(['a', 'b']);
  });

  it('a process notes a use once an hour', async () => {
    const { notes, clock, newProcess } = deployment(named('a'));
    const { paced } = newProcess();
    const read = () => paced.read(named('a'), key.paymentRequestId, 1_000);
    const noted: number[] = [];
    const { noteUse } = notes;
    notes.noteUse = (credential, use) => {
      noted.push(use.at);
      return noteUse(credential, use);
    };
    for (let minutes = 0; minutes < 121; minutes += 1) {
      await read();
      clock.advance(60_000);
    }
    expect(noted).toHaveLength(3);
  });

  it('a credential that cannot be looked at does not hold up the others', async () => {
    const { notes, faults, pass } = deployment(named('a'), named('b'));
    await pass(24);
    const { lastUse } = notes;
    notes.lastUse = (credential) =>
      credential === 'a' ? Promise.reject(new Error('down')) : lastUse(credential);
    expect(await pass(1)).toEqual(['b']);
    expect(faults).toEqual(['a']);
  });

  it('no heartbeat begins after the end of the run', async () => {
    const { klarna, clock, newProcess, pass } = deployment(named('a'));
    await pass(24);
    clock.advance(hour);
    await newProcess().watch(clock.now());
    expect(klarna.calls).toEqual([]);
  });
});

describe('the end of a certificate', () => {
  const ending = (credential: string, days: number) =>
    named(credential, { certificateExpiresAt: plusMillis(noon, days * day) });

  it('a certificate is told of once at 60, 30 and 7 days, and then each day, whichever process sweeps', async () => {
    const { certificates, pass } = deployment(ending('a', 62));
    await pass(64 * 24 - 1);
    expect(certificates.map(([, days]) => Math.ceil(days) + 0)).toEqual([60, 30, 7, 6, 5, 4, 3, 2, 1, 0, -1]);
  });

  it('a certificate that is near its end when it is put in is told of once for its stage', async () => {
    const { certificates, pass } = deployment(ending('a', 20));
    await pass(24);
    expect(certificates).toEqual([['a', 20 - 1 / 24]]);
  });

  it('a new certificate is told of by its own end', async () => {
    const { certificates, newProcess, use } = deployment(ending('a', 5));
    await newProcess().watch();
    use(ending('a', 90));
    await newProcess().watch();
    use(ending('a', 50));
    await newProcess().watch();
    expect(certificates).toEqual([
      ['a', 5],
      ['a', 50],
    ]);
  });

  it('of the certificates of a credential, the first to end is told of', async () => {
    const { certificates, newProcess } = deployment(
      ending('a', 50),
      ending('a', 20),
      ending('b', 90),
      named('c'),
    );
    await newProcess().watch();
    expect(certificates).toEqual([['a', 20]]);
  });

  it('a certificate is told of while the table does not respond', async () => {
    const { certificates, notes, faults, newProcess } = deployment(ending('a', 20));
    notes.noteCertificate = () => Promise.reject(new Error('down'));
    await newProcess().watch();
    expect([certificates, faults]).toEqual([[['a', 20]], ['a']]);
  });
});
