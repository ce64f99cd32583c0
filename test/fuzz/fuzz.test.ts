import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sign, verify } from '../../functions/webhook/klarna-signature.ts';
import { startLocalProcess } from '../support/local-process.ts';
import { fuzz, partnerOptions, unhandledIn } from './drive.ts';

it('six hundred valid and malformed requests all get a documented response', async () => {
  const data = await mkdtemp(join(tmpdir(), 'lapse-test-'));
  const system = await startLocalProcess('--data', data, ...(await partnerOptions(data)));
  const { findings, memory, responses } = await fuzz(system, { seed: 7, from: 1, requests: 600 }).finally(
    () => system.stop(),
  );
  const log = await readFile(join(data, 'lapse.log'), 'utf8');
  await rm(data, { recursive: true });
  expect(findings).toEqual([]);
  expect(unhandledIn(log)).toEqual([]);
  // A new process grows while it warms up. Growth with every request would show.
  expect(memory.at(-1)).toBeLessThan(2 * (memory[0] ?? 0));
  expect(responses.get('webhook: valid')?.get(200)).toBeGreaterThan(0);
}, 300_000);

it('no mutation of a valid delivery is accepted', () => {
  const key = 'local-signing-key-not-a-real-secret';
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 200 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (body, at, change, atOfSignature, changeOfSignature) => {
        const signature = sign(body, key);
        expect(verify(body, key, signature)).toBe(true);
        const otherBody = Uint8Array.from(body);
        otherBody[at % body.length] = (body[at % body.length] ?? 0) ^ change;
        expect(verify(otherBody, key, signature)).toBe(false);
        const otherSignature = Buffer.from(signature, 'hex');
        const place = atOfSignature % otherSignature.length;
        otherSignature[place] = (otherSignature[place] ?? 0) ^ changeOfSignature;
        expect(verify(body, key, otherSignature.toString('hex'))).toBe(false);
        expect(verify(body, `${key}x`, signature)).toBe(false);
        expect(verify(body, key, createHash('sha256').update(body).digest('hex'))).toBe(false);
      },
    ),
    { numRuns: 5_000 },
  );
});
