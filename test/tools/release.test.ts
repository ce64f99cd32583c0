import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { releaseChangelog, releaseNotes } from '../../tools/release/changelog.ts';
import { refuseVersion } from '../../tools/release/version.ts';

const changelog = '# Changelog\n\n## 0.2.0, unreleased\n\n- New.\n\n## 0.1.0, 2026-01-02\n\n- First.\n';

describe('the changelog of a release', () => {
  it('a release replaces the word unreleased by its date', () => {
    const released = releaseChangelog(changelog, '0.2.0', '2026-03-01');
    expect(released).toBe(changelog.replace('0.2.0, unreleased', '0.2.0, 2026-03-01'));
    expect(releaseNotes(released, '0.2.0')).toBe('- New.');
    expect(releaseNotes(released, '0.1.0')).toBe('- First.');
  });

  it('a release accepts a section without a version', () => {
    const source = '# Changelog\n\n## Unreleased\n\n- New.\n';
    expect(releaseChangelog(source, '0.2.0', '2026-03-01')).toContain('## 0.2.0, 2026-03-01');
  });

  it.each([
    ['no section', '# Changelog\n', 'has no section'],
    ['that version in it', `${changelog}\n## 0.2.0\n\n- Before.\n`, 'already'],
    ['another version', changelog.replace('0.2.0', '0.3.0'), 'announces 0.3.0'],
    ['an empty section', changelog.replace('- New.', ''), 'is empty'],
  ])('a changelog with %s is refused', (_, source, message) => {
    expect(() => releaseChangelog(source, '0.2.0', '2026-03-01')).toThrow(message);
  });
});

describe('the version of a release', () => {
  it.each([
    ['0.1.1', false],
    ['0.10.0', false],
    ['1.0.0', false],
    ['0.1.0', true],
  ])('the version %s may follow 0.1.0 (first release: %s)', (version, isFirst) => {
    expect(refuseVersion(version, '0.1.0', isFirst)).toBeUndefined();
  });

  it.each([
    ['0.1.0', false, 'does not follow'],
    ['0.0.9', true, 'does not follow'],
    ['v0.2.0', true, 'is not a version'],
    ['', true, 'is not a version'],
  ])('the version "%s" may not follow 0.1.0 (first release: %s)', (version, isFirst, reason) => {
    expect(refuseVersion(version, '0.1.0', isFirst)).toContain(reason);
  });
});

describe('the release command in a repository', () => {
  let folder: string;
  const git = (...parameters: readonly string[]): string =>
    execFileSync('git', parameters, { cwd: folder, encoding: 'utf8' }).trim();
  const release = (...parameters: readonly string[]): Promise<{ code: number; output: string }> =>
    new Promise((resolve) => {
      const main = join(import.meta.dirname, '../../tools/release/main.ts');
      const command = ['--disable-warning=ExperimentalWarning', main, ...parameters];
      const child = execFile(process.execPath, command, { cwd: folder }, (_, stdout, stderr) =>
        resolve({ code: child.exitCode ?? -1, output: stdout + stderr }),
      );
    });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lapse-release-'));
    const scripts = { check: 'echo checked', package: 'echo packed' };
    const manifest = { name: 'sample', version: '0.1.0', scripts };
    const lock = { name: 'sample', version: '0.1.0', lockfileVersion: 3, packages: { '': manifest } };
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock, null, 2));
    writeFileSync(join(folder, 'CHANGELOG.md'), changelog);
    git('init', '--quiet', '--initial-branch', 'main');
    git('config', 'user.name', 'A Maintainer');
    git('config', 'user.email', 'maintainer@example.com');
    git('add', '.');
    git('commit', '--quiet', '--message', 'feat: first');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const withoutOwner = (): void => {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as object;
    const repository = { type: 'git', url: 'git+https://github.com/OWNER/sample.git' };
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, repository }));
  };

  it('a release with --dry-run prints its steps and changes nothing', async () => {
    const before = git('rev-parse', 'HEAD');
    const { code, output } = await release('0.2.0', '--dry-run');
    expect(code).toBe(0);
    expect(output).toContain('would run: npm run check');
    expect(output).toContain('would run: tag v0.2.0');
    expect(output).toContain('- New.');
    expect([git('rev-parse', 'HEAD'), git('tag'), git('status', '--porcelain')]).toEqual([before, '', '']);
  });

  it('a release runs the checks, sets the version, dates the changelog, commits and tags', async () => {
    const { code, output } = await release('0.2.0');
    expect(code).toBe(0);
    expect(output).toContain('checked');
    expect(output).toContain('packed');
    expect(git('log', '-1', '--format=%s')).toBe('chore(release): 0.2.0');
    expect(git('tag')).toBe('v0.2.0');
    expect(git('status', '--porcelain')).toBe('');
    expect(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))).toMatchObject({
      version: '0.2.0',
    });
    expect(JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'))).toMatchObject({
      version: '0.2.0',
      packages: { '': { version: '0.2.0' } },
    });
    expect((await release('notes', '0.2.0')).output).toBe('- New.\n');
  });

  it('a release sets the version of every package', async () => {
    mkdirSync(join(folder, 'client'));
    writeFileSync(join(folder, '.gitignore'), 'node_modules/\n');
    writeFileSync(join(folder, 'client', 'package.json'), '{ "name": "sample-client", "version": "0.1.0" }');
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as object;
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, workspaces: ['client'] }));
    execFileSync('npm', ['install', '--package-lock-only', '--offline'], { cwd: folder });
    git('add', '.');
    git('commit', '--quiet', '--message', 'feat: client');
    expect((await release('0.2.0')).code).toBe(0);
    for (const each of ['.', 'client']) {
      expect(JSON.parse(git('show', `HEAD:${join(each, 'package.json')}`))).toMatchObject({
        version: '0.2.0',
      });
    }
    expect(git('status', '--porcelain')).toBe('');
  });

  it('a release sets the version that the functions tell Klarna', async () => {
    const source = 'functions/contract/product-version.ts';
    mkdirSync(join(folder, 'functions/contract'), { recursive: true });
    writeFileSync(join(folder, source), readFileSync(join(import.meta.dirname, '../..', source)));
    git('add', '.');
    git('commit', '--quiet', '--message', 'feat: version');
    expect((await release('0.2.0')).code).toBe(0);
    expect(git('show', `HEAD:${source}`)).toContain("productVersion = '0.2.0'");
  });

  it('a release changes nothing when the checks fail', async () => {
    const manifest = readFileSync(join(folder, 'package.json'), 'utf8').replace('echo checked', 'exit 3');
    writeFileSync(join(folder, 'package.json'), manifest);
    git('commit', '--quiet', '--all', '--message', 'test: fail');
    expect((await release('0.2.0')).code).not.toBe(0);
    expect([git('tag'), git('status', '--porcelain')]).toEqual(['', '']);
  });

  it.each<[string, () => void, string]>([
    ['with changes', () => writeFileSync(join(folder, 'CHANGELOG.md'), ''), 'has changes'],
    ['on another branch', () => git('switch', '--quiet', '--create', 'feature'), 'the branch feature'],
    ['with the tag', () => git('tag', 'v0.2.0'), 'exists already'],
    ['without an owner of the repository', withoutOwner, '"repository" in package.json has no owner yet'],
  ])('a release refuses a work tree %s', async (_, prepare, message) => {
    prepare();
    const { code, output } = await release('0.2.0');
    expect(code).toBe(1);
    expect(output.trim().split('\n')).toEqual([expect.stringContaining(message)]);
  });
});
