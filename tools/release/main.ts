/**
 * `npm run release -- 1.2.0`: checks, then the version in package.json, the section of the changelog, a commit and a tag. It pushes
 * nothing. `--dry-run` says what it would do and changes nothing.
 *
 * `npm run release -- notes 1.2.0` prints the section of a released version.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { releaseChangelog, releaseNotes } from './changelog.ts';
import { Refusal } from './refusal.ts';
import { refuseVersion } from './version.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'dry-run': { type: 'boolean', default: false } },
});

try {
  const [first = '', second = ''] = positionals;
  if (first === 'notes') console.log(releaseNotes(readFileSync('CHANGELOG.md', 'utf8'), second));
  else release(first, values['dry-run']);
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

function release(version: string, isDryRun: boolean): void {
  refuseUnlessReady(version);
  const changelog = releaseChangelog(readFileSync('CHANGELOG.md', 'utf8'), version, today());
  const steps = [
    { says: 'npm run check', run: () => execFileSync('npm', ['run', 'check'], { stdio: 'inherit' }) },
    { says: `package.json: version ${version}`, run: () => setVersion(version) },
    { says: `CHANGELOG.md: ${version}, ${today()}`, run: () => writeFileSync('CHANGELOG.md', changelog) },
    { says: `commit "chore(release): ${version}"`, run: () => commit(version) },
    {
      says: `tag v${version}`,
      run: () => git('tag', '--annotate', `v${version}`, '--message', `v${version}`),
    },
  ];
  for (const { says, run } of steps) {
    console.log(isDryRun ? `would run: ${says}` : says);
    if (!isDryRun) run();
  }
  console.log(isDryRun ? `\n${releaseNotes(changelog, version)}` : `Push it: git push --follow-tags`);
}

function refuseUnlessReady(version: string): void {
  const { version: current } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    readonly version: string;
  };
  const tags = git('tag', '--list', 'v*').split('\n').filter(Boolean);
  const refusal = refuseVersion(version, current, tags.length === 0);
  if (refusal !== undefined) throw new Refusal(refusal);
  if (tags.includes(`v${version}`)) throw new Refusal(`The tag v${version} exists already.`);
  if (git('status', '--porcelain') !== '') throw new Refusal('The work tree has changes. Commit them first.');
  const branch = git('branch', '--show-current');
  if (branch !== 'main') throw new Refusal(`This is the branch ${branch}. Releases are made on main.`);
}

function setVersion(version: string): void {
  const options = ['--no-git-tag-version', '--allow-same-version', '--ignore-scripts'];
  execFileSync('npm', ['version', version, ...options], { stdio: 'ignore' });
}

function commit(version: string): void {
  git('add', 'package.json', 'package-lock.json', 'CHANGELOG.md');
  git('commit', '--quiet', '--message', `chore(release): ${version}`);
}

function git(...parameters: readonly string[]): string {
  return execFileSync('git', parameters, { encoding: 'utf8' }).trim();
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}
