import { describe, expect, it } from 'vitest';
import { sign } from '../../../functions/webhook/klarna-signature.ts';
import { reasonOfMismatch } from '../../../functions/webhook/signature-mismatch.ts';
import { bytesOf, deliveryWith } from '../../support/klarna-deliveries.ts';

const key = 'test-signing-key-not-a-real-secret';
/** A delivery whose JSON can be written in more than one way. */
const delivery = deliveryWith(
  {},
  { name: 'Åsa 😀 \u0001', url: 'https://shop.example/a', quoted: 'a "b" \\ c', empty: {}, list: [] },
);
const compact = JSON.stringify(delivery);
/** The same delivery as Python and Java libraries write it. */
const spaced = compact.replaceAll(/":(?=["{[tf])/g, '": ').replaceAll(/,(?="[a-z_]+":)/g, ', ');
const ascii = compact.replaceAll(
  /[^\x20-\x7e]/g,
  (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
);

const reason = (sent: string | Buffer, arrived: string | Buffer) =>
  reasonOfMismatch(bytesOf(arrived), key, sign(bytesOf(sent), key));

describe('reasonOfMismatch', () => {
  it.each([
    ['with lines', compact, JSON.stringify(delivery, null, 2)],
    ['with other lines', compact, JSON.stringify(delivery, null, '\t')],
    ['without lines', JSON.stringify(delivery, null, 2), compact],
    ['without spaces', spaced, compact],
    ['with spaces', compact, spaced],
    ['with escapes', compact, ascii],
    ['without escapes', ascii, compact],
    ['with escaped slashes', compact, compact.replaceAll('/', '\\/')],
    ['with a byte order mark', compact, `\uFEFF${compact}`],
    ['with a line end', compact, `${compact}\n`],
    ['without its line end', `${compact}\r\n`, compact],
    [
      'with other line ends',
      JSON.stringify(delivery, null, 2),
      JSON.stringify(delivery, null, 2).replaceAll('\n', '\r\n'),
    ],
    ['as base64', compact, Buffer.from(compact).toString('base64')],
    ['as a text of JSON', compact, JSON.stringify(compact)],
    ['in Latin-1', JSON.stringify({ name: 'Åsa' }), Buffer.from(JSON.stringify({ name: 'Åsa' }), 'latin1')],
    ['in UTF-8 twice', compact, Buffer.from(Buffer.from(compact).toString('latin1'), 'utf8')],
  ])('a body that was re-encoded %s is body_reencoded', (_, sent, arrived) => {
    expect(reason(sent, arrived)).toBe('body_reencoded');
  });

  it.each([
    ['another state', compact, compact.replace('CANCELED', 'COMPLETED')],
    ['a space more in a text', compact, compact.replace('PARTNER_CANCELED', 'PARTNER_ CANCELED')],
    ['nothing', compact, ''],
    ['one open bracket after another', compact, '['.repeat(16_000)],
    ['one quote', compact, '"'],
    ['zero bytes', compact, Buffer.alloc(100)],
  ])('a body with %s is signature_mismatch', (_, sent, arrived) => {
    expect(reason(sent, arrived)).toBe('signature_mismatch');
  });

  it('a body with another key is signature_mismatch', () => {
    expect(reasonOfMismatch(bytesOf(compact), 'another key', sign(bytesOf(compact), key))).toBe(
      'signature_mismatch',
    );
  });

  it('a body of more than 16 KB is not examined', () => {
    const long = JSON.stringify({ padding: 'x'.repeat(16_384) });
    expect(reason(long, `${long}\n`)).toBe('signature_mismatch');
  });

  it.each([
    '['.repeat(16_384),
    '"'.repeat(16_384),
    '{"a":'.repeat(3_200),
    '\\'.repeat(16_384),
    ' '.repeat(16_384),
  ])('a hostile body of 16 KB takes less than a second', (hostile) => {
    const begin = performance.now();
    expect(reason(compact, hostile)).toBe('signature_mismatch');
    expect(performance.now() - begin).toBeLessThan(1_000);
  });
});
