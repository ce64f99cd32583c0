import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
    edit: (path, text) => {
      if (path.endsWith('event-types.ts')) return onlyWhatIsUsed(text);
      return path.endsWith('api-types.ts') ? onlyWhatIsUsed(text, schemasUsed()) : text;
    },
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
  components: { schemas: undefined },
  operations: { listPaymentRequests: ['parameters', 'query'] },
} as const satisfies Readonly<Record<string, Readonly<Record<string, readonly string[] | undefined>>>>;

/** The schemas of the API that the client's own sources name. */
const schemasUsed = (): readonly string[] =>
  readdirSync('client')
    .filter((name) => name.endsWith('.ts') && !name.endsWith('-types.ts'))
    .flatMap((name) => namesIn(readFileSync(join('client', name), 'utf8')));

/** The schemas that a text refers to. */
const namesIn = (text: string): readonly string[] =>
  [...text.matchAll(/[Ss]chemas(?:["']\])?\[["'](\w+)["']\]/g)].flatMap(([, name]) => name ?? []);

/** The schemas of an interface that others refer to, from the first ones on. */
function reachable(schemas: ReadonlyMap<string, string>, first: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  const left = [...first];
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    left.push(...namesIn(schemas.get(name) ?? ''));
  }
  return found;
}

/**
 * Shortens the generated types to the parts that the client refers to, which keeps the package small.
 *
 * @param first the schemas that the client names. @default all
 */
function onlyWhatIsUsed(text: string, first?: readonly string[]): string {
  const file = ts.createSourceFile('types.ts', text, ts.ScriptTarget.Latest, true);
  const interfaces = file.statements.filter((each) => ts.isInterfaceDeclaration(each));
  const left = Object.entries(usedParts).map(([name, parts]) => {
    const found = interfaces.find((each) => each.name.text === name);
    const members = found?.members.flatMap((member) => memberWith(member, { parts, first }) ?? []) ?? [];
    return `export interface ${name} {${members.join('')}\n}\n`;
  });
  // Without indentation: an editor shows one type at a time.
  return withoutRepetitions(left.join('')).replaceAll(/^ +/gm, '').replaceAll(/^\* +/gm, '* ');
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

/** What of a member is used. */
interface Use {
  readonly parts: Readonly<Record<string, readonly string[] | undefined>>;
  /** Of the member with all schemas: the first ones. */
  readonly first: readonly string[] | undefined;
}

/** A member with its used parts; undefined where none is used. The parts of an operation lie within each other. */
function memberWith(member: ts.TypeElement, { parts, first }: Use): string | undefined {
  const name = member.name?.getText() ?? '';
  if (!(name in parts) || !ts.isPropertySignature(member) || !member.type) return undefined;
  const path = parts[name];
  if (path) return `\n    readonly ${name}: ${pathIn(member.type, path)};`;
  if (!first || !ts.isTypeLiteralNode(member.type)) return member.getFullText();
  const schemas = new Map(
    member.type.members.map((each) => [each.name?.getText() ?? '', each.getFullText()] as const),
  );
  const used = reachable(schemas, first);
  const kept = [...schemas].flatMap(([schema, text]) => (used.has(schema) ? [text] : []));
  return `\n    readonly ${name}: {${kept.join('')}\n    };`;
}

/** A type with nothing but the part at this path. */
function pathIn(type: ts.TypeNode, [name, ...rest]: readonly string[]): string {
  if (name === undefined || !ts.isTypeLiteralNode(type)) return type.getText();
  const part = type.members.find((each) => each.name?.getText() === name);
  if (!part || !ts.isPropertySignature(part) || !part.type) throw new Error(`The types have no ${name}.`);
  return `{ readonly ${name}${part.questionToken ? '?' : ''}: ${pathIn(part.type, rest)} }`;
}
