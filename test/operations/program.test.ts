import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { rememberStack } from '../../operations/remembered-stack.ts';
import { commandsByName, runCommand } from '../support/command-line.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const commands = [...commandsByName()];

describe('the command line', () => {
  it('without a command, the help is printed and the exit code is 2', async () => {
    const { lines, errors, code } = await runCommand([]);
    expect([...lines, ...errors].join('\n')).toContain('Usage: lapse');
    expect(code).toBe(2);
  });

  it('--version prints the version', async () => {
    expect(await runCommand(['--version'])).toEqual({ lines: [manifest.version], errors: [], code: 0 });
  });

  it('--help prints the five commands to start with, and the exit codes', async () => {
    const { lines, code } = await runCommand(['--help']);
    expect(code).toBe(0);
    const help = lines.join('\n');
    for (const words of [
      'lapse init',
      'lapse deploy',
      'lapse connect',
      'lapse doctor',
      'lapse try',
      'Exit codes',
    ])
      expect(help).toContain(words);
  });

  it.each(commands)('lapse %s has a description and an example', async (name, command) => {
    expect(command.description()).not.toBe('');
    const { lines, code } = await runCommand([...name.split(' '), '--help']);
    expect(code).toBe(0);
    expect(lines.join('\n')).toMatch(new RegExp(`Examples?:\\n  lapse ${name}`));
  });

  it.each([
    ['an unknown command', ['doktor'], "unknown command 'doktor'"],
    ['an unknown option', ['timers', 'list', '--al'], "unknown option '--al'"],
    ['a name too many', ['timers', 'list', 'm1'], 'too many arguments'],
    ['a missing name', ['attention', 'explain'], "missing required argument 'names'"],
    ['another reason', ['quarantine', 'list', '--reason', 'gone'], 'Allowed choices are'],
    ['another kind', ['attention', 'list', '--kind', 'loud'], 'Allowed choices are'],
    ['names beside --all', ['quarantine', 'replay', 'k/e', '--all'], 'Give either names or --all.'],
    ['neither names nor --all', ['quarantine', 'replay'], 'Give either names or --all.'],
    [
      '--reason without --all',
      ['quarantine', 'replay', 'k/e', '--reason', 'malformed'],
      'goes with --all only',
    ],
    ['--kind without --all', ['attention', 'ask', 'demo/x', '--kind', 'not_found'], 'goes with --all only'],
    ['no system', ['timers', 'list'], 'No system is named. Give --stack NAME'],
    [
      'two systems',
      ['timers', 'list', '--control', 'http://c', '--stack', 's'],
      'Give either --control or --stack',
    ],
  ])('%s ends with exit code 2 before anything is done', async (_, words, sentence) => {
    const { lines, errors, code } = await runCommand(words);
    expect({ lines, code }).toEqual({ lines: [], code: 2 });
    expect(errors.join('\n')).toContain(sentence);
  });

  it('a command fails with exit code 1 where the system does not respond', async () => {
    const { errors, code } = await runCommand(['timers', 'list', '--control', 'http://127.0.0.1:1']);
    expect(code).toBe(2);
    expect(errors).toEqual([expect.stringContaining('http://127.0.0.1:1/outputs does not respond')]);
  });

  it('a damaged file of the remembered stack is named', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, '.lapse'));
    await writeFile(join(folder, '.lapse', 'stack.json'), '{');
    const { errors, code } = await runCommand(['timers', 'list'], { folder });
    expect(code).toBe(2);
    expect(errors).toEqual([expect.stringContaining('stack.json is damaged')]);
  });

  it('the remembered stack is used where no other is named', async () => {
    const folder = await temporaryFolder();
    await rememberStack(folder, {
      stack: 'Lapse-test',
      region: 'eu-north-1',
      outputs: { ApiUrl: 'https://a' },
    });
    const { errors, code } = await runCommand(['timers', 'list'], { folder });
    expect(code).toBe(2);
    expect(errors[0]).toMatch(
      /^The stack Lapse-test does not have the output ApiAuthorization, WebhookUrl, TableName/,
    );
  });
});
