/**
 * `npm run release -- 1.2.0`: checks, then the version of all packages, the section of the changelog, the tarballs, a commit and
 * a tag. It pushes nothing. `--dry-run` says what it would do and changes nothing.
 *
 * `npm run release -- notes 1.2.0` prints the section of a released version.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { releaseChangelog, releaseNotes } from './changelog.ts';
import { Refusal } from './refusal.ts';
import { refuseVersion } from './version.ts';

/** The functions tell Klarna their version, and read no package.json. */
const versionSource = 'functions/contract/product-version.ts';

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
    { says: `package.json of each package: version ${version}`, run: () => setVersion(version) },
    { says: `CHANGELOG.md: ${version}, ${today()}`, run: () => writeFileSync('CHANGELOG.md', changelog) },
    {
      says: 'npm run package, into dist/packages and dist/cloudformation',
      run: () => execFileSync('npm', ['run', 'package'], { stdio: 'inherit' }),
    },
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
  const { version: current, repository } = readManifest();
  if (repository?.url.includes('/OWNER/') === true) {
    throw new Refusal('"repository" in package.json has no owner yet. Write the address of the repository.');
  }
  const tags = git('tag', '--list', 'v*').split('\n').filter(Boolean);
  const refusal = refuseVersion(version, current, tags.length === 0);
  if (refusal !== undefined) throw new Refusal(refusal);
  if (tags.includes(`v${version}`)) throw new Refusal(`The tag v${version} exists already.`);
  if (git('status', '--porcelain') !== '') throw new Refusal('The work tree has changes. Commit them first.');
  const branch = git('branch', '--show-current');
  if (branch !== 'main') throw new Refusal(`This is the branch ${branch}. Releases are made on main.`);
}

function setVersion(version: string): void {
  const all = readManifest().workspaces === undefined ? [] : ['--workspaces', '--include-workspace-root'];
  const options = ['--no-git-tag-version', '--allow-same-version', '--ignore-scripts', ...all];
  execFileSync('npm', ['version', version, ...options], { stdio: 'ignore' });
  if (!existsSync(versionSource)) return;
  const source = readFileSync(versionSource, 'utf8');
  writeFileSync(versionSource, source.replace(/'\d+\.\d+\.\d+'/, `'${version}'`));
}

function commit(version: string): void {
  git('add', '--update');
  git('commit', '--quiet', '--message', `chore(release): ${version}`);
}

interface Manifest {
  readonly version: string;
  readonly workspaces?: readonly string[];
  readonly repository?: { readonly url: string };
}

function readManifest(): Manifest {
  return JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
}

function git(...parameters: readonly string[]): string {
  return execFileSync('git', parameters, { encoding: 'utf8' }).trim();
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}
