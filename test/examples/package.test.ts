/** What a user gets who installs the package. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
};
/** Finds a file as a user of the package does: by its exported name. */
const { resolve } = createRequire(import.meta.url);

it('the package has the API document and the event schemas under exported names', async () => {
  // Another test covers what `prepack` compiles.
  const pack = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const { stdout } = await promisify(execFile)('npm', pack, { cwd: root });
  const [{ files }] = JSON.parse(stdout) as [{ readonly files: readonly { readonly path: string }[] }];
  const packed = files.map(({ path }) => path);
  const schemas = readdirSync(join(root, 'docs', 'events')).filter((file) => file.endsWith('.schema.json'));
  expect(schemas.length).toBeGreaterThan(0);
  for (const name of ['api.yaml', ...schemas.map((file) => `events/${file}`)]) {
    const path = relative(root, resolve(`lapse/${name}`));
    expect(path).toBe(join('docs', name));
    expect(packed).toContain(path);
  }
});

it('every exported module is compiled from its source with its types', () => {
  for (const conditions of Object.values(exports)) {
    if (typeof conditions === 'string') continue;
    const { source = '', types, default: compiled } = conditions;
    const path = source.replace(/^\.\/(.*)\.ts$/, './dist/$1');
    expect([types, compiled]).toEqual([`${path}.d.ts`, `${path}.js`]);
    expect(readFileSync(join(root, source), 'utf8')).not.toBe('');
  }
});

it('the client loads only the library that signs requests', async () => {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['client/lapse-client.ts'],
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    write: false,
    metafile: true,
  });
  const inputs = Object.keys(metafile.inputs);
  expect(inputs.filter((path) => !path.startsWith('client/'))).toEqual([]);
  const loaded = Object.values(metafile.inputs).flatMap(({ imports }) =>
    imports.filter(({ external }) => external === true).map(({ path }) => path),
  );
  expect([...new Set(loaded)].toSorted()).toEqual(['aws4fetch']);
});
