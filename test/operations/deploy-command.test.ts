import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../support/command-line.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { rawOutputs as outputs } from '../support/stack-outputs.ts';

/** A CDK that notes its parameters, writes an assembly for `synth` and outputs for `deploy`. */
const cdk = (stacks: readonly string[], exitCode: number) => `
const { appendFileSync, mkdirSync, writeFileSync } = require('node:fs');
const [command, ...parameters] = process.argv.slice(2);
appendFileSync('calls.txt', [command, ...parameters].join(' ') + '\\n');
if (command === 'synth') {
  mkdirSync('.lapse/cdk.out', { recursive: true });
  const artifacts = Object.fromEntries(${JSON.stringify(stacks)}.map((name) => [name, {
    type: 'aws:cloudformation:stack', environment: 'aws://unknown-account/eu-north-1', properties: { stackName: name },
  }]));
  writeFileSync('.lapse/cdk.out/manifest.json', JSON.stringify({ version: '1', artifacts }));
}
if (command === 'deploy') {
  process.exitCode = ${exitCode};
  writeFileSync('.lapse/outputs.json', JSON.stringify({ [parameters[2]]: ${JSON.stringify(outputs)} }));
}
`;

async function project({ stacks = ['Lapse-test'], exitCode = 0, app = 'lapse-app.mjs' } = {}) {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'node_modules', 'aws-cdk', 'bin'), { recursive: true });
  await writeFile(join(folder, 'node_modules', 'aws-cdk', 'package.json'), '{ "name": "aws-cdk" }');
  await writeFile(join(folder, 'node_modules', 'aws-cdk', 'bin', 'cdk'), cdk(stacks, exitCode));
  await writeFile(join(folder, 'package.json'), '{}');
  if (app !== '') await writeFile(join(folder, app), '');
  const calls = async () => (await readFile(join(folder, 'calls.txt'), 'utf8')).trimEnd().split('\n');
  return { folder, calls };
}

const cloudFormation = mockClient(CloudFormationClient);

beforeEach(() => {
  cloudFormation.reset();
  cloudFormation.on(DescribeStacksCommand).resolves({ Stacks: [] });
});

describe('lapse deploy', () => {
  it('a deployed stack is remembered for the next commands', async () => {
    const { folder, calls } = await project();
    const { lines, code } = await runCommand(['deploy', '--yes', '--', '-c', 'a=b'], { folder });
    expect(code).toBe(0);
    expect(lines).toContain('Deployed Lapse-test to eu-north-1.');
    expect(await calls()).toEqual([
      'synth --quiet --output .lapse/cdk.out --app node lapse-app.mjs -c a=b',
      'deploy --app .lapse/cdk.out Lapse-test --outputs-file .lapse/outputs.json --require-approval never',
    ]);
    expect(JSON.parse(await readFile(join(folder, '.lapse', 'stack.json'), 'utf8'))).toEqual({
      stack: 'Lapse-test',
      region: 'eu-north-1',
      outputs,
    });
  });

  it('an account and Region without the CDK are prepared first, if the person agrees', async () => {
    const missing = Object.assign(new Error('Stack with id CDKToolkit does not exist'), {
      name: 'ValidationError',
    });
    cloudFormation.on(DescribeStacksCommand).rejects(missing);
    const agreed = await project();
    expect((await runCommand(['deploy'], { folder: agreed.folder, response: 'y' })).code).toBe(0);
    expect((await agreed.calls())[1]).toBe('bootstrap --app .lapse/cdk.out');
    const declined = await project();
    expect((await runCommand(['deploy'], { folder: declined.folder, response: 'n' })).code).toBe(2);
    const unasked = await project();
    const { errors } = await runCommand(['deploy'], { folder: unasked.folder });
    expect(errors).toEqual([expect.stringContaining('Give --yes to go on.')]);
    expect(await unasked.calls()).toHaveLength(1);
  });

  it('a dry run prints the difference, and deploys nothing', async () => {
    const { folder, calls } = await project();
    expect((await runCommand(['deploy', '--dry-run'], { folder })).code).toBe(0);
    expect((await calls())[1]).toBe('diff --app .lapse/cdk.out Lapse-test');
  });

  it('a failed deployment ends with exit code 1, and nothing is remembered', async () => {
    const { folder } = await project({ exitCode: 3 });
    const { errors, code } = await runCommand(['deploy', '--yes'], { folder });
    expect(code).toBe(1);
    expect(errors.join('\n')).toContain('ended with exit code 3');
    await expect(readFile(join(folder, '.lapse', 'stack.json'))).rejects.toThrow('ENOENT');
  });

  it('one of several stacks needs --stack', async () => {
    const { folder, calls } = await project({ stacks: ['Lapse-test', 'Lapse-live'] });
    const { errors, code } = await runCommand(['deploy', '--yes'], { folder });
    expect(code).toBe(2);
    expect(errors.join('\n')).toContain('--stack is missing; allowed: Lapse-test, Lapse-live.');
    expect((await runCommand(['deploy', '--yes', '--stack', 'Lapse-live'], { folder })).code).toBe(0);
    expect((await calls()).at(-1)).toContain('Lapse-live');
  });

  it('a folder without an app, or without the CDK, says what to do first', async () => {
    const { folder } = await project({ app: '' });
    expect(await runCommand(['deploy'], { folder })).toMatchObject({
      code: 2,
      errors: [expect.stringContaining('Run `lapse init` first.')],
    });
    expect(await runCommand(['deploy'])).toMatchObject({
      code: 2,
      errors: [expect.stringMatching(/Run npm install --save-dev aws-cdk@\d/)],
    });
  });

  it('a local system has nothing to deploy', async () => {
    const { lines, code } = await runCommand(['deploy', '--control', 'http://127.0.0.1:4300']);
    expect({ lines, code }).toEqual({
      code: 0,
      lines: [expect.stringContaining('there is nothing to deploy')],
    });
  });
});
