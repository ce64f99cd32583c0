import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

/** A package whose code is in a bundle. */
interface Bundled {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly text: string;
}

/** The folder of the innermost package that holds a file. */
const packageFolder = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;

/**
 * The text of THIRD-PARTY-NOTICES for what esbuild put into bundles: each package with its version and its license.
 *
 * @throws {Error} for a package that names no license
 */
export function thirdPartyNotices(metafiles: readonly Metafile[]): string {
  const folders = new Set(
    metafiles.flatMap(({ outputs }) =>
      Object.values(outputs).flatMap(({ inputs }) =>
        Object.entries(inputs)
          .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
          .flatMap(([path]) => packageFolder.exec(path)?.[0] ?? []),
      ),
    ),
  );
  const byText = Map.groupBy([...folders].toSorted().map(bundledPackage), ({ text }) => text);
  const sections = [...byText].map(([text, packages]) => {
    const names = new Set(packages.map(({ name, version, license }) => `${name} ${version} (${license})`));
    return `${[...names].join('\n')}\n\n${text}`;
  });
  const rule = `\n\n${'-'.repeat(78)}\n\n`;
  return `The code of these packages is in this one.${rule}${sections.join(rule)}\n`;
}

function bundledPackage(folder: string): Bundled {
  const { name, version, license, author } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  ) as {
    readonly name: string;
    readonly version: string;
    readonly license?: string;
    readonly author?: string | { readonly name: string };
  };
  if (license === undefined) throw new Error(`${name} ${version} names no license: do not bundle it.`);
  return {
    name,
    version,
    license,
    text:
      licenseText(folder) ??
      `By ${typeof author === 'object' ? author.name : (author ?? 'its authors')}. The package has no text of its license.`,
  };
}

/** What the package says itself. Apache's license asks for the NOTICE, too. */
function licenseText(folder: string): string | undefined {
  const texts = ['{LICENSE,LICENCE,License,license}*', 'NOTICE*']
    .flatMap((pattern) => globSync(pattern, { cwd: folder }).toSorted().slice(0, 1))
    .map((file) => join(folder, file))
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8').trim());
  return texts.length === 0 ? undefined : texts.join('\n\n');
}
