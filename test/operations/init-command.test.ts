import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { runCommand } from '../support/command-line.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const init = (folder: string, ...more: readonly string[]) =>
  runCommand(['init', '--no-install', '--region', 'eu-north-1', ...more], { folder });

const contentOf = async (folder: string, file: string): Promise<unknown> =>
  JSON.parse(await readFile(join(folder, file), 'utf8'));

describe('lapse init', () => {
  it('in an empty folder it writes an app, cdk.json and package.json', async () => {
    const folder = await temporaryFolder();
    const { lines, code } = await init(folder);
    expect({ lines, code }).toEqual({
      code: 0,
      lines: ['created   lapse-app.mjs', 'created   cdk.json', 'created   package.json'],
    });
    const app = await readFile(join(folder, 'lapse-app.mjs'), 'utf8');
    expect(app).toContain("new LapseStack(app, 'Lapse-test'");
    expect(app).toContain("env: { region: 'eu-north-1' }");
    expect(await contentOf(folder, 'cdk.json')).toEqual({ app: 'node lapse-app.mjs' });
    expect(await contentOf(folder, 'package.json')).toEqual({
      private: true,
      dependencies: {
        'aws-cdk-lib': manifest.devDependencies['aws-cdk-lib'],
        constructs: manifest.devDependencies.constructs,
        lapse: manifest.version,
      },
      devDependencies: { 'aws-cdk': manifest.devDependencies['aws-cdk'] },
    });
  });

  it('a second time it changes nothing', async () => {
    const folder = await temporaryFolder();
    await init(folder);
    expect(await init(folder, '--stage', 'live')).toEqual({ lines: [], errors: [], code: 0 });
    expect(await readFile(join(folder, 'lapse-app.mjs'), 'utf8')).toContain('Lapse-test');
  });

  it('the stage and the ingress are settings of the app', async () => {
    const folder = await temporaryFolder();
    await init(folder, '--stage', 'live', '--ingress', 'http-api');
    const app = await readFile(join(folder, 'lapse-app.mjs'), 'utf8');
    expect(app).toContain("new LapseStack(app, 'Lapse-live'");
    expect(app).toContain('logRetentionDays: 90');
    expect(app).toContain("webhookIngress: 'http-api'");
  });

  it('in a CDK app it adds the app of Lapse and what package.json lacks, and keeps everything else', async () => {
    const folder = await temporaryFolder();
    const cdk = '{ "app": "node bin/shop.js" }';
    await writeFile(join(folder, 'cdk.json'), cdk);
    const own = { name: 'shop', dependencies: { 'aws-cdk-lib': '^2.230.0', left: '1.0.0' } };
    await writeFile(join(folder, 'package.json'), JSON.stringify(own));
    expect((await init(folder)).lines).toEqual(['created   lapse-app.mjs', 'completed package.json']);
    expect(await readFile(join(folder, 'cdk.json'), 'utf8')).toBe(cdk);
    expect(await contentOf(folder, 'package.json')).toMatchObject({
      name: 'shop',
      dependencies: { 'aws-cdk-lib': '^2.230.0', left: '1.0.0', lapse: manifest.version },
      devDependencies: { 'aws-cdk': manifest.devDependencies['aws-cdk'] },
    });
  });

  it('a dry run names the files and writes none', async () => {
    const folder = await temporaryFolder();
    expect((await init(folder, '--dry-run')).lines).toHaveLength(3);
    await expect(readFile(join(folder, 'cdk.json'))).rejects.toThrow('ENOENT');
  });

  it.each([
    ['a damaged package.json', ['--region', 'eu-north-1'], 'package.json is not a JSON object'],
    ['another Region', ['--region', "eu'1"], "--region is eu'1; allowed: an AWS Region"],
    ['another stage', ['--stage', 'prod'], 'Allowed choices are test, live'],
  ])('%s ends with exit code 2, and nothing is written', async (_, options, sentence) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'package.json'), '[');
    const { errors, code } = await runCommand(['init', '--no-install', ...options], { folder });
    expect(code).toBe(2);
    expect(errors.join('\n')).toContain(sentence);
    await expect(readFile(join(folder, 'lapse-app.mjs'))).rejects.toThrow('ENOENT');
  });
});
