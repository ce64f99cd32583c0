import { expect, it } from 'vitest';
import { failedChecks, type KlarnaChecks } from '../../functions/domain/klarna-response.ts';

it.each<[KlarnaChecks, boolean, readonly string[]]>([
  [{}, true, []],
  [{ certificate: 'VALID', address: 'ALLOWED' }, true, []],
  [{ certificate: 'NOT_PRESENT' }, false, []],
  [{ certificate: 'NOT_PRESENT' }, true, ['certificate']],
  [{ certificate: 'INVALID' }, true, ['certificate']],
  [{ certificate: 'INVALID' }, false, ['certificate']],
  [{ address: 'DENIED' }, true, ['address']],
  [{ address: 'INVALID' }, false, ['address']],
  [{ certificate: 'INVALID', address: 'DENIED' }, true, ['certificate', 'address']],
])('a call with %j, with a certificate: %s, would fail %j', (checks, hasCertificate, failed) => {
  expect(failedChecks(checks, hasCertificate)).toEqual(failed);
});
