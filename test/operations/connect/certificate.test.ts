// @peculiar/x509 needs Reflect metadata, and refuses to load without it.
import 'reflect-metadata';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import { afterEach, describe, expect, it } from 'vitest';
import { checkCredential } from '../../../functions/adapters/secrets/secret-credentials.ts';
import {
  certificateReport,
  enforceCertificate,
  factsOf,
  makeSigningRequest,
  newCertificate,
} from '../../../operations/connect/certificate.ts';
import { type ConnectWorld, Killed, openConnectWorld } from '../../support/connect-world.ts';

let world: ConnectWorld;
afterEach(() => world.close());

const yes = () => Promise.resolve(true);
const no = () => Promise.resolve(false);

async function connected() {
  const made = await openConnectWorld();
  await made.connect();
  made.killer.calls.splice(0);
  made.lines.splice(0);
  return made;
}

function entryIn(of: ConnectWorld) {
  const entry = checkCredential('acquirer', of.credential());
  if (!entry) throw new Error('not connected');
  return entry;
}

const report = (status: string | null) =>
  fetch(`${world.simulator.url}/_simulator/settings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ mtlsVerificationStatus: status }),
  });

describe('lapse certificate new', () => {
  it('the request is signed with a key on prime256v1 and has the account as its name', async () => {
    world = await openConnectWorld();
    const { request, key } = await makeSigningRequest('M4ACQUIRER');
    const parsed = new Pkcs10CertificateRequest(request);
    expect(parsed.subject).toBe('CN=M4ACQUIRER');
    expect(await parsed.verify()).toBe(true);
    expect(createPrivateKey(key).asymmetricKeyDetails).toMatchObject({ namedCurve: 'prime256v1' });
  });

  it('the certificate and its key are written into the secret, and shown nowhere', async () => {
    world = await connected();
    await newCertificate(world.connectionWith(), entryIn(world), no);
    const { client_certificate: pem = '', client_key: key = '' } = entryIn(world);
    expect(new X509Certificate(pem).checkPrivateKey(createPrivateKey(key))).toBe(true);
    expect(world.lines.join('\n')).toContain('Valid until');
    expect(world.lines.join('\n')).not.toContain('PRIVATE KEY');
    expect(await world.connect()).toBe(true);
    expect(entryIn(world).client_certificate).toBe(pem);
  });

  it('a valid certificate is replaced only after a question', async () => {
    world = await connected();
    await newCertificate(world.connectionWith(), entryIn(world), yes);
    const before = entryIn(world);
    await expect(newCertificate(world.connectionWith(), before, no)).rejects.toThrow('Nothing was changed');
    expect(entryIn(world)).toEqual(before);
    await newCertificate(world.connectionWith(), before, yes);
    expect(entryIn(world).client_key).not.toBe(before.client_key);
  });

  it('a run that is killed at a call leaves the secret whole', async () => {
    for (const when of ['before', 'after'] as const) {
      for (let call = 1; call <= 3; call += 1) {
        world = await connected();
        world.killer.killAt(call, when);
        await expect(newCertificate(world.connectionWith(), entryIn(world), yes)).rejects.toBeInstanceOf(
          Killed,
        );
        world.killer.spare();
        await newCertificate(world.connectionWith(), entryIn(world), yes);
        expect(entryIn(world).client_certificate).toContain('BEGIN CERTIFICATE');
        if (call < 3 || when === 'before') await world.close();
      }
    }
  });

  it('a dry run makes nothing', async () => {
    world = await connected();
    await newCertificate(world.connectionWith(true), entryIn(world), yes);
    expect(world.killer.calls).toEqual([]);
    expect(entryIn(world)).not.toHaveProperty('client_certificate');
  });
});

describe('lapse certificate status and enforce', () => {
  it('the status has the days that are left, and what Klarna reports', async () => {
    world = await connected();
    expect((await certificateReport(world.connectionWith(), entryIn(world))).stored).toBeUndefined();
    await newCertificate(world.connectionWith(), entryIn(world), yes);
    await report('VALID');
    const found = await certificateReport(world.connectionWith(), entryIn(world));
    expect(found.stored?.daysLeft).toBeGreaterThan(300);
    expect(found).toMatchObject({ report: { certificate: 'VALID' }, enforcedFrom: undefined });
    const { client_certificate: pem = '' } = entryIn(world);
    expect(factsOf(pem, world.clock.now() + 3 * 365 * 86_400_000).daysLeft).toBeLessThan(0);
  });

  it('enforcement is refused until Klarna reports the certificate as valid', async () => {
    world = await connected();
    await newCertificate(world.connectionWith(), entryIn(world), yes);
    const enforce = (confirm = yes) =>
      enforceCertificate(world.connectionWith(), entryIn(world), { from: 'NOW', confirm });
    for (const status of ['NOT_PRESENT', 'INVALID']) {
      await report(status);
      await expect(enforce()).rejects.toThrow(`as ${status}; allowed: VALID`);
    }
    await report('VALID');
    await expect(enforce(no)).rejects.toThrow('Nothing was changed');
    await enforce();
    expect((await certificateReport(world.connectionWith(), entryIn(world))).enforcedFrom).toMatch(/^\d{4}-/);
  });
});
