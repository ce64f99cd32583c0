import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../support/command-line.ts';
import { planted, plantedIn } from '../support/planted-secrets.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const account = ['--acquirer-account', 'krn:partner:global:account:test:M4ACQUIRER'];
const connect = ['connect', '--credential', 'acquirer', '--env', 'test', ...account];

describe('what was given wrongly', () => {
  it.each([
    ['connect without a credential', ['connect', '--env', 'test'], "required option '--credential <name>'"],
    ['connect without an environment', ['connect', '--credential', 'a'], "required option '--env"],
    [
      'another environment',
      ['connect', '--credential', 'a', '--env', 'prod'],
      'Allowed choices are test, live',
    ],
    ['both kinds of account', [...connect, '--partner-account', 'krn:a:b'], 'cannot be used with'],
    [
      'an account that is not an id',
      ['connect', '--credential', 'a', '--env', 'test', '--acquirer-account', 'M4'],
      '--acquirer-account is not an account id',
    ],
    [
      'a certificate without its key',
      [...connect, '--certificate', 'a.pem'],
      '--certificate and --key go together',
    ],
    [
      'a certificate that is not there',
      [...connect, '--certificate', 'a.pem', '--key', 'b.pem'],
      'is a file that cannot be read',
    ],
    ['an API key as an argument', [...connect, planted.apiKey], 'too many arguments'],
    ['keys without a credential', ['keys', 'status'], "required option '--credential <name>'"],
    [
      'a malformed credential',
      ['keys', 'status', '--credential', 'Bad Name'],
      '--credential is Bad Name; allowed',
    ],
    [
      'a time that is none',
      ['certificate', 'enforce', '--credential', 'a', '--from', 'soon'],
      '--from is soon; allowed: NOW',
    ],
  ])('%s ends with exit code 2 before anything is asked', async (_, words, sentence) => {
    const { errors, code, lines } = await runCommand(words);
    expect({ code, lines }).toEqual({ code: 2, lines: [] });
    expect(errors.join('\n')).toContain(sentence);
  });

  it('no option takes an API key or a signing key', async () => {
    for (const words of [['connect'], ['keys', 'rotate', 'api'], ['webhooks', 'verify']]) {
      const { lines } = await runCommand([...words, '--help']);
      expect(lines.join('\n')).not.toMatch(/--(?:api-key|secret|password|token)\b/);
    }
  });

  it('a file that is not a certificate is refused, and not quoted', async () => {
    const folder = await temporaryFolder();
    const [certificate, key] = [join(folder, 'a.pem'), join(folder, 'b.pem')];
    await writeFile(certificate, planted.text);
    await writeFile(key, planted.text);
    const { errors, code } = await runCommand([...connect, '--certificate', certificate, '--key', key]);
    expect(code).toBe(2);
    expect(errors.join('\n')).toContain('--certificate is a file without a certificate in PEM');
    expect(plantedIn(errors.join('\n'))).toEqual([]);
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await writeFile(key, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    expect((await runCommand([...connect, '--certificate', key, '--key', key])).code).toBe(2);
  });
});
