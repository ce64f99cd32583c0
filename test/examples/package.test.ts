/** What package.json of each package promises. `npm run verify` installs the packed tarballs. */
import { globSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { programOptions } from '../../tools/package/build-local.ts';

const root = join(import.meta.dirname, '..', '..');

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly files: readonly string[];
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional: boolean }>>;
}

const manifestIn = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest;

const lapse = manifestIn('.');
const client = manifestIn('client');
const local = manifestIn('local');

it('the three packages have one version, and anyone may install them', () => {
  expect([lapse, client, local].map(({ name }) => name)).toEqual(['lapse', 'lapse-client', 'lapse-local']);
  expect(new Set([lapse, client, local].map(({ version }) => version)).size).toBe(1);
  expect([lapse, client, local].filter((manifest) => manifest.private === true)).toEqual([]);
});

it('lapse installs the clients of its command line and nothing else', () => {
  const names = Object.keys(lapse.dependencies ?? {});
  expect(names.filter((name) => !name.startsWith('@aws-sdk/client-'))).toEqual([]);
  expect(lapse.optionalDependencies).toBeUndefined();
  const peers = Object.keys(lapse.peerDependencies ?? {});
  expect(peers).toEqual(['aws-cdk-lib', 'constructs']);
  expect(peers.filter((name) => lapse.peerDependenciesMeta?.[name]?.optional !== true)).toEqual([]);
});

it('lapse-local installs nothing but the database, where there is one', () => {
  expect(local.dependencies).toBeUndefined();
  expect(Object.keys(local.optionalDependencies ?? {})).toEqual(['@dynoxide/linux-x64']);
});

it('lapse exports the API document and every event schema', () => {
  const schemas = globSync('docs/events/*.schema.json', { cwd: root });
  expect(schemas.length).toBeGreaterThan(0);
  expect(lapse.exports).toMatchObject({
    './api.yaml': './docs/api.yaml',
    './events/*.schema.json': './docs/events/*.schema.json',
  });
  expect(lapse.files).toEqual(expect.arrayContaining(['docs/api.yaml', 'docs/events']));
});

it('the client loads only the library that signs requests', async () => {
  expect(Object.keys(client.dependencies ?? {})).toEqual(['aws4fetch']);
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['client/lapse-client.ts'],
    bundle: true,
    packages: 'external',
    platform: 'neutral',
    format: 'esm',
    write: false,
    metafile: true,
  });
  const inputs = Object.keys(metafile.inputs);
  expect(inputs.filter((path) => !path.startsWith('client/'))).toEqual([]);
  const loaded = Object.values(metafile.inputs).flatMap(({ imports }) =>
    imports.filter(({ external }) => external === true).map(({ path }) => path),
  );
  expect([...new Set(loaded)]).toEqual(['aws4fetch']);
});

it('the programs of lapse-local can be bundled, and load nothing that is not in Node', async () => {
  const { metafile } = await build({
    ...programOptions,
    absWorkingDir: root,
    write: false,
    logLevel: 'silent',
  });
  const external = Object.values(metafile.outputs).flatMap(({ imports }) =>
    imports.map(({ path }) => path).filter((path) => !isBuiltin(path)),
  );
  expect([...new Set(external)]).toEqual(['esbuild']);
});
