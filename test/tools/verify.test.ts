import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { missingPrograms } from '../../tools/prerequisites.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('the programs that npm run verify needs', () => {
  const installed: Readonly<Record<string, string>> = {
    java: 'openjdk version "17.0.15" 2025-04-15',
    python3: 'Python 3.12.1',
  };

  it('npm run verify needs Java 17 and Python 3 only', () => {
    expect(missingPrograms((program) => installed[program])).toEqual([]);
  });

  it.each([
    ['java', undefined],
    ['java', 'java version "1.8.0_401"'],
    ['java', 'openjdk version "11.0.2" 2019-01-15'],
    ['python3', undefined],
    ['python3', 'Python 2.7.18'],
  ])('a missing program is one sentence when %s prints %s', (missing, output) => {
    const sentences = missingPrograms((program) => (program === missing ? output : installed[program]));
    expect(sentences).toEqual([expect.stringMatching(/^npm run verify needs (Java 17 or newer|Python 3), /)]);
  });
});

describe('the steps of npm run verify', () => {
  const root = path.join(import.meta.dirname, '../..');

  /** Runs steps in a folder with these scripts, and returns what the process printed. */
  async function run(scripts: Readonly<Record<string, string>>, steps: readonly object[]) {
    const folder = await temporaryFolder();
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ type: 'module', scripts }));
    const program = [
      `import { finish, runSteps } from ${JSON.stringify(path.join(root, 'tools/run-script.ts'))};`,
      `finish(await runSteps(${JSON.stringify(steps)}));`,
    ];
    writeFileSync(path.join(folder, 'main.ts'), program.join('\n'));
    return new Promise<{ readonly code: number | null; readonly output: string }>((resolve) => {
      const child = execFile(process.execPath, ['main.ts'], { cwd: folder }, (_, stdout) =>
        resolve({ code: child.exitCode, output: stdout }),
      );
    });
  }

  /** A script that writes a report as Vitest's JSON reporter does. Its last parameter says where. */
  const reporting = (passed: number, failed: number): string => {
    const report = JSON.stringify({ numPassedTests: passed, numFailedTests: failed });
    const write = `require('node:fs').writeFileSync(process.argv.at(-1).split('=')[1], process.env.REPORT)`;
    return `REPORT='${report}' node -e "${write}; process.exit(${failed === 0 ? 0 : 1})" --`;
  };

  it('each step prints a line with seconds, and the last line has the sum of all tests', async () => {
    const scripts = { lint: 'exit 0', first: reporting(3, 0), second: reporting(4, 0) };
    const steps = [
      { script: 'lint' },
      { script: 'first', hasTests: true },
      { script: 'second', hasTests: true },
    ];
    const { code, output } = await run(scripts, steps);
    expect(code).toBe(0);
    expect(output.trim().split('\n')).toEqual([
      expect.stringMatching(/^✓ lint {2}\d+\.\d s$/),
      expect.stringMatching(/^✓ first {2}\d+\.\d s, 3 tests$/),
      expect.stringMatching(/^✓ second {2}\d+\.\d s, 4 tests$/),
      '7 passed, 0 failed',
    ]);
  });

  it('all steps run when one fails, and its output is shown', async () => {
    const scripts = { lint: 'echo "line 3 is wrong"; exit 1', tests: reporting(3, 2), more: reporting(1, 0) };
    const steps = [
      { script: 'lint' },
      { script: 'tests', hasTests: true },
      { script: 'more', hasTests: true },
    ];
    const { code, output } = await run(scripts, steps);
    expect(code).toBe(1);
    expect(output).toContain('line 3 is wrong\n✗ lint');
    expect(output.trim().split('\n').at(-1)).toBe('4 passed, 3 failed');
  });

  it('tests that did not start count as one failure', async () => {
    const { code, output } = await run({ tests: 'exit 1' }, [{ script: 'tests', hasTests: true }]);
    expect(code).toBe(1);
    expect(output.trim().split('\n').at(-1)).toBe('0 passed, 1 failed');
  });
});
