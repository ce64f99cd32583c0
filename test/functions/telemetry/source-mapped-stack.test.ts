import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { expect, it } from 'vitest';
import { originalStack } from '../../../functions/telemetry/source-mapped-stack.ts';
import { bundleOptions } from '../../../lib/function-bundle.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

async function errorFrom(sourcemap: boolean): Promise<Error> {
  const folder = await temporaryFolder();
  const source = join(folder, 'thrower.ts');
  writeFileSync(
    source,
    "\n\nexport function thrower(): Error {\n  return new Error('  at secret:1:1');\n}\n",
  );
  const outfile = join(folder, 'index.cjs');
  buildSync({ ...bundleOptions, entryPoints: [source], outfile, sourcemap: sourcemap && 'linked' });
  const { thrower } = createRequire(import.meta.url)(outfile) as { readonly thrower: () => Error };
  return thrower();
}

it('originalStack names the source file, line and column', async () => {
  const [first] = originalStack(await errorFrom(true))?.split('\n') ?? [];
  expect(first).toMatch(/thrower\.ts:4:10\b/);
});

it('originalStack names the place in the bundle when there is no source map', async () => {
  const [first] = originalStack(await errorFrom(false))?.split('\n') ?? [];
  expect(first).toMatch(/index\.cjs:\d+:\d+/);
});

it('originalStack leaves out the message', () => {
  expect(originalStack(new Error('planted'))).not.toContain('planted');
});

it('originalStack returns undefined for an error without a stack', () => {
  const error = new Error('planted');
  delete error.stack;
  expect(originalStack(error)).toBeUndefined();
});
