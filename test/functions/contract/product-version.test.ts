import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { productVersion } from '../../../functions/contract/product-version.ts';

it('the version that the functions tell Klarna is that of the package', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };
  expect(productVersion).toBe(version);
});
