import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import ts from 'typescript';
import { copyDeclarations } from './declarations.ts';

const dist = join('client', 'dist');

/** Builds what the package `lapse-client` ships into client/dist: an ES module, a CommonJS module, and their types. */
export async function buildClient(): Promise<void> {
  rmSync(dist, { recursive: true, force: true });
  await buildModule('esm', 'module');
  await buildModule('cjs', 'commonjs');
  copyDeclarations({
    entries: [entry],
    source: 'client',
    target: join(dist, 'cjs'),
    edit: (path, text) => (path.endsWith('-types.ts') ? onlyWhatIsUsed(text) : text),
  });
  // The types are the same. One copy keeps the package small.
  writeFileSync(join(dist, 'esm', 'lapse-client.d.ts'), "export * from '../cjs/lapse-client.js';\n");
  cpSync('LICENSE', join('client', 'LICENSE'));
}

const entry = 'client/lapse-client.ts';

async function buildModule(format: 'esm' | 'cjs', type: 'module' | 'commonjs'): Promise<void> {
  const folder = join(dist, format);
  await build({
    entryPoints: [entry],
    outdir: folder,
    bundle: true,
    // Neutral: a `node:` import does not resolve.
    platform: 'neutral',
    format,
    target: 'es2022',
    packages: 'external',
  });
  writeFileSync(join(folder, 'package.json'), `{ "type": "${type}" }\n`);
}

/** The types of calls that the client names. The rest of `paths` and `operations` repeats what the schemas say. */
const usedOperations = ['listPaymentRequests'];

/** Shortens the types that come from the API's description to those that the client refers to. */
function onlyWhatIsUsed(text: string): string {
  const file = ts.createSourceFile('types.ts', text, ts.ScriptTarget.Latest, true);
  const left = file.statements.flatMap((statement) => {
    if (!ts.isInterfaceDeclaration(statement)) return [];
    const { name, members } = statement;
    if (name.text === 'components') return [statement.getFullText()];
    if (name.text !== 'operations') return [];
    const used = members.filter((member) => usedOperations.includes(member.name?.getText() ?? ''));
    return [`export interface operations {${used.map((member) => member.getFullText()).join('')}\n}`];
  });
  return left
    .join('\n')
    .replaceAll(/^ +/gm, (indent) => '\t'.repeat(indent.length / 4))
    .trimStart();
}
