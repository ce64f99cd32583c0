import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { App, FileSystem } from 'aws-cdk-lib';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { DISABLE_ASSET_STAGING_CONTEXT } from 'aws-cdk-lib/cx-api';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { functionNames } from '../../functions/contract/function-name.ts';
import { writeBundles } from '../../lib/function-bundle.ts';
import { LapseStack } from '../../lib/lapse-stack.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lapse-test-'));
  vi.stubEnv('TMPDIR', folder);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const bundlesLeft = (): readonly string[] =>
  readdirSync(folder).filter((name) => name.startsWith('lapse-bundles-'));

describe('the temporary folder of the bundles', () => {
  it('the temporary folder is deleted when the construct exists, and the CDK has a copy of each bundle', () => {
    const outdir = join(folder, 'cdk.out');
    new LapseStack(new App({ outdir }), 'Lapse');
    expect(bundlesLeft()).toEqual([]);
    const copies = readdirSync(outdir).filter((name) => name.startsWith('asset.'));
    expect(copies).toHaveLength(functionNames.length);
    for (const copy of copies)
      expect(readdirSync(join(outdir, copy))).toEqual(expect.arrayContaining(['entry.mjs', 'index.js']));
  });

  it('the temporary folder is deleted when the construct cannot be made', () => {
    const app = new App({ outdir: join(folder, 'cdk.out') });
    const lapse = { alarmTopic: {} as ITopic };
    expect(() => new LapseStack(app, 'Lapse', { lapse })).toThrow(TypeError);
    expect(bundlesLeft()).toEqual([]);
  });

  it('the temporary folder stays where the CDK does not copy assets', () => {
    const context = { [DISABLE_ASSET_STAGING_CONTEXT]: true };
    new LapseStack(new App({ outdir: join(folder, 'cdk.out'), context }), 'Lapse');
    expect(bundlesLeft()).toHaveLength(1);
  });
});

it(
  'the same sources have the same asset hashes in any folder, with any folder for temporary files',
  { timeout: 120_000 },
  () => {
    const here = writeBundles(join(folder, 'here'));
    const elsewhere = join(folder, 'a', 'deeper', 'place');
    copySources(Object.keys(here.metafile.inputs), elsewhere);
    const there = writeBundles(join(folder, 'there'), elsewhere);
    expect(functionNames).toHaveLength(7);
    for (const name of functionNames) {
      expect(readFileSync(join(there.bundles[name], 'index.js.map'), 'utf8')).toBe(
        readFileSync(join(here.bundles[name], 'index.js.map'), 'utf8'),
      );
      expect(FileSystem.fingerprint(there.bundles[name])).toBe(FileSystem.fingerprint(here.bundles[name]));
    }
  },
);

it('no bundle loads what only the search for settings files of the SDK needs', () => {
  const { bundles } = writeBundles(join(folder, 'bundles'));
  for (const name of functionNames) {
    const text = readFileSync(join(bundles[name], 'index.js'), 'utf8');
    expect(text, name).toContain('require("node:https")');
    expect(text, name).not.toContain('node:fs/promises');
  }
});

/** Copies the files that esbuild reads: sources, and what describes their packages. */
function copySources(sources: readonly string[], target: string): void {
  const root = join(import.meta.dirname, '..', '..');
  const folders = new Set(['.']);
  for (const source of sources) {
    for (let path = dirname(source); path !== '.'; path = dirname(path)) folders.add(path);
    cpSync(join(root, source), join(target, source));
  }
  for (const path of folders) {
    for (const name of ['package.json', 'tsconfig.json']) {
      const file = join(path, name);
      if (existsSync(join(root, file))) cpSync(join(root, file), join(target, file));
    }
  }
}
