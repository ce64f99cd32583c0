import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

/** Where the packed packages are. */
export const tarballs = join(root, '.cache', 'packed');

/** Where the stack for those who do not use the CDK is. */
export const cloudFormation = join(tarballs, 'cloudformation');

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly version: string;
};

/** The path of a package's tarball. */
export const tarballOf = (name: 'lapse' | 'lapse-client' | 'lapse-local'): string =>
  join(tarballs, `${name}-${version}.tgz`);
