import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { toSigningKey } from '../../functions/adapters/secrets/secret-signing-keys.ts';
import { sign } from '../../functions/webhook/klarna-signature.ts';
import { deliveryIn } from '../../operations/webhooks/captured-delivery.ts';
import { explainSignature } from '../../operations/webhooks/explain-signature.ts';
import { runCommand } from '../support/command-line.ts';
import { planted, plantedIn } from '../support/planted-secrets.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const subject = 'krn:partner:global:account:test:M4CIYH2N';
const key = toSigningKey('key-1', {
  key: planted.signingKey,
  live: false,
  accounts: { [subject]: 'shop-se' },
});
const other = toSigningKey('key-2', { key: 'another-key', accounts: { [subject]: 'shop-se' } });
const keys = [key, other];

const metadata = {
  event_id: '62bb5d9f-33d3-43d0-9d84-1018eb573ed6',
  event_type: 'payment.request.state-change.canceled',
  event_version: 'v2',
  occurred_at: '2026-03-06T09:51:59Z',
  subject_account_id: subject,
  live: false,
};
const payload = {
  payment_request_id: 'krn:payment:eu1:request:552603c0-fe8b-4ab1-aacb-41d55fafbdb4',
  state: 'CANCELED',
  name: `${planted.name} å/ä`,
};
const value = { payload, metadata };
const signed = JSON.stringify(value);
const signature = sign(Buffer.from(signed), planted.signingKey);

const explain = (body: string | Buffer, more: { signature?: string; signingKeyId?: string } = {}) => {
  const finding = explainSignature(
    { body: Buffer.from(body), signature, signingKeyId: 'key-1', ...more },
    keys,
  );
  expect(plantedIn(finding.text)).toEqual([]);
  return finding;
};

describe('webhooks verify, for the signature', () => {
  it('a signature over these bytes holds', () => {
    expect(explain(signed)).toEqual({ result: 'valid', text: 'The signature holds with the key key-1.' });
  });

  it('a key that is not in the secret is unknown', () => {
    const { result, text } = explain(signed, {
      signingKeyId: 'key-9',
      signature: sign(Buffer.from(signed), 'k9'),
    });
    expect(result).toBe('unknown_key');
    expect(text).toContain('Known: key-1, key-2');
  });

  it('a signature of another key is a wrong key', () => {
    expect(explain(signed, { signingKeyId: 'key-2' })).toMatchObject({
      result: 'wrong_key',
      text: expect.stringContaining('key-1') as string,
    });
    expect(explain(signed, { signingKeyId: 'key-9' }).result).toBe('wrong_key');
  });

  it.each([
    [
      'parsed and serialised again, with spaces',
      JSON.stringify(value, undefined, 2),
      signed,
      'parsed and serialised again',
    ],
    [
      'written by Python',
      JSON.stringify(value).replaceAll('":', '": ').replaceAll(',"', ', "'),
      signed,
      'parsed and serialised again',
    ],
    [
      'serialised from a form with lines',
      signed,
      JSON.stringify(value, undefined, 2),
      'parsed and serialised again',
    ],
    [
      'serialised from a form with escapes',
      signed,
      signed.replaceAll('å', '\\u00e5').replaceAll('ä', '\\u00e4'),
      'parsed and serialised again',
    ],
    [
      'serialised from a form with escaped slashes',
      signed,
      signed.replaceAll('/', '\\/'),
      'parsed and serialised again',
    ],
    ['with a line end added', `${signed}\n`, signed, 'a line end was added'],
    ['with a line end removed', signed, `${signed}\n`, 'a line end was added, removed or changed'],
    ['with a Windows line end removed', signed, `${signed}\r\n`, 'a line end was added, removed or changed'],
    ['with a byte order mark', `\uFEFF${signed}`, signed, 'a byte order mark was added or removed'],
    ['without its byte order mark', signed, `\uFEFF${signed}`, 'a byte order mark was added or removed'],
    ['in base64', Buffer.from(signed).toString('base64'), signed, 'encoded in base64'],
    ['in a JSON text', JSON.stringify(signed), signed, 'put into a JSON text'],
    [
      'read in another character set',
      Buffer.from(Buffer.from(signed).toString('latin1')),
      signed,
      'read in another character set',
    ],
    [
      'in base64 with a line end',
      `${Buffer.from(`${signed}\n`).toString('base64')}\n`,
      signed,
      'encoded in base64',
    ],
  ])('a body that arrived %s is re-encoded', (_, arrived, original, words) => {
    const { result, text } = explain(arrived, { signature: sign(Buffer.from(original), planted.signingKey) });
    expect(result).toBe('body_reencoded');
    expect(text).toContain(words);
  });

  it('a body that was changed, or a wrong secret, is a wrong signature', () => {
    expect(explain(signed.replace('CANCELED', 'COMPLETED')).result).toBe('wrong_signature');
    expect(explain(signed, { signature: sign(Buffer.from(signed), 'rotated') }).result).toBe(
      'wrong_signature',
    );
  });

  it.each([
    ['in capitals', { signature: signature.toUpperCase() }],
    ['twice', { signature: `${signature}, ${signature}` }],
    ['too short', { signature: signature.slice(1) }],
    ['with two key ids', { signingKeyId: 'key-1, key-1' }],
  ])('headers that came %s are malformed', (_, headers) => {
    expect(explain(signed, headers).result).toBe('malformed_headers');
  });

  it.each([
    ['account', { subject_account_id: 'krn:partner:global:account:test:OTHER' }, 'subject_account_id'],
    ['environment', { live: true }, 'other environment'],
  ])('a delivery for another %s than the key is of a wrong account', (_, changes, words) => {
    const body = JSON.stringify({ payload, metadata: { ...metadata, ...changes } });
    const finding = explain(body, { signature: sign(Buffer.from(body), planted.signingKey) });
    expect(finding.result).toBe('wrong_account');
    expect(finding.text).toContain(words);
  });

  it('bytes that are not text, and long bodies, have a finding', () => {
    expect(explain(Buffer.from([0xff, 0x00, 0xfe])).result).toBe('wrong_signature');
    expect(explain(Buffer.alloc(0)).result).toBe('wrong_signature');
    expect(explain('['.repeat(300_000)).result).toBe('wrong_signature');
  });
});

describe('webhooks verify, for the file', () => {
  const headers = { 'Klarna-Signature': signature, 'Klarna-Signing-Key-Id': 'key-1' };
  const lines = Object.entries(headers).map(([name, text]) => `${name}: ${text}`);

  it.each([
    [
      'an event of the function',
      JSON.stringify({ version: '2.0', headers, body: signed, isBase64Encoded: false }),
    ],
    [
      'an event in base64',
      JSON.stringify({ headers, body: Buffer.from(signed).toString('base64'), isBase64Encoded: true }),
    ],
    ['an HTTP message', `POST /klarna/webhook HTTP/1.1\r\nHost: a\r\n${lines.join('\r\n')}\r\n\r\n${signed}`],
    ['headers and a body', `${lines.join('\n')}\n\n${signed}`],
  ])('%s is read with its headers', (_, file) => {
    expect(deliveryIn(Buffer.from(file), {})).toEqual({
      body: Buffer.from(signed),
      signature,
      signingKeyId: 'key-1',
    });
  });

  it('a body alone needs the headers beside it', () => {
    expect(() => deliveryIn(Buffer.from(signed), {})).toThrow('give --signature and --signing-key-id');
    const given = { signature, signingKeyId: 'key-1' };
    expect(deliveryIn(Buffer.from(signed), given).body.toString()).toBe(signed);
  });

  it('a file that is not there is refused', async () => {
    const { errors, code } = await runCommand(['webhooks', 'verify', 'missing.json']);
    expect({ errors, code }).toEqual({ errors: ['missing.json cannot be read.'], code: 2 });
  });

  it('a file without headers is refused before any system is asked', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'body.json');
    await writeFile(file, signed);
    const { errors, code } = await runCommand(['webhooks', 'verify', file]);
    expect(code).toBe(2);
    expect(errors.join('\n')).toContain('The headers of the delivery are missing');
    expect(plantedIn(errors.join('\n'))).toEqual([]);
  });
});
