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
    // Small, with names that a stack shows.
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 120,
  });
  writeFileSync(join(folder, 'package.json'), `{ "type": "${type}" }\n`);
}

/**
 * The parts of the generated types that the client refers to, by interface, and the parts of the members where not all are used. The
 * rest repeats what the schemas say.
 */
const usedParts = {
  components: { schemas: undefined, parameters: undefined },
  operations: { listPaymentRequests: ['parameters'] },
} as const satisfies Readonly<Record<string, Readonly<Record<string, readonly string[] | undefined>>>>;

/** Shortens the generated types to the parts that the client refers to, which keeps the package small. */
function onlyWhatIsUsed(text: string): string {
  const file = ts.createSourceFile('types.ts', text, ts.ScriptTarget.Latest, true);
  const interfaces = file.statements.filter((each) => ts.isInterfaceDeclaration(each));
  const left = Object.entries(usedParts).map(([name, parts]) => {
    const found = interfaces.find((each) => each.name.text === name);
    const members = found?.members.flatMap((member) => memberWith(member, parts) ?? []) ?? [];
    return `export interface ${name} {${members.join('')}\n}\n`;
  });
  // Without indentation: an editor shows one type at a time.
  return withoutRepetitions(left.join('')).replaceAll(/^ +/gm, '');
}

/** Explains each thing once: many events have the same fields. What the type says anyway is left out. */
function withoutRepetitions(text: string): string {
  const explained = new Set<string>();
  return text
    .replaceAll(/\n *\* @(?:constant|enum)\b[^\n]*/g, '')
    .replaceAll('@description ', '')
    .replaceAll(/ *(\/\*\*.*?\*\/)\n/gs, (whole, comment: string) => {
      const words = comment.replaceAll(/[\s*/]+/g, ' ').trim();
      if (words === '' || words === '@constant' || explained.has(words)) return '';
      explained.add(words);
      return whole;
    });
}

/** A member with its used parts; undefined where none is used. */
function memberWith(
  member: ts.TypeElement,
  parts: Readonly<Record<string, readonly string[] | undefined>>,
): string | undefined {
  const name = member.name?.getText() ?? '';
  if (!(name in parts)) return undefined;
  const used = parts[name];
  if (used === undefined || !ts.isPropertySignature(member) || !member.type) return member.getFullText();
  if (!ts.isTypeLiteralNode(member.type)) return member.getFullText();
  const inner = member.type.members.filter((each) => used.includes(each.name?.getText() ?? ''));
  return `\n    readonly ${name}: {${inner.map((each) => each.getFullText()).join('')}\n    };`;
}
