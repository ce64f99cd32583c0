import { readFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import ts from 'typescript';

/** A part of the page: an interface or a class of `lib`, and what stands above its members. */
interface Section {
  readonly title: string;
  readonly file: string;
  readonly type: string;
}

const sections: readonly Section[] = [
  { title: 'Your own resources', file: 'lib/lapse-props.ts', type: 'LapseProps' },
  { title: 'Settings', file: 'lib/lapse-settings.ts', type: 'LapseSettings' },
  { title: 'LapseDomain', file: 'lib/lapse-props.ts', type: 'LapseDomain' },
  { title: 'AlarmThresholds', file: 'lib/alarm-thresholds.ts', type: 'AlarmThresholds' },
  { title: 'LapseStackProps', file: 'lib/lapse-stack.ts', type: 'LapseStackProps' },
  { title: 'What a Lapse has', file: 'lib/lapse.ts', type: 'Lapse' },
  { title: 'GrantCallProps', file: 'lib/payment-request-api.ts', type: 'GrantCallProps' },
  { title: 'EventSelection', file: 'lib/lapse-rule.ts', type: 'EventSelection' },
  { title: 'OnEventProps', file: 'lib/lapse-rule.ts', type: 'OnEventProps' },
  { title: 'ForwardEventsProps', file: 'lib/forwarded-events.ts', type: 'ForwardEventsProps' },
];

const introduction = `# Construct reference

For engineers who add Lapse to a CDK app. This page lists every property of \`Lapse\` and \`LapseStack\`, and what a
\`Lapse\` offers. \`npm run generate\` writes it from the docblocks in \`lib/\`, and a test compares the two. Start with
the [examples](../../examples). [Configuration](configuration.md) has the settings as one table.

\`\`\`ts
import { Lapse } from 'lapse'; // in a stack of your own
import { LapseStack } from 'lapse/stack'; // or as a stack
\`\`\`

All properties are optional unless this page says *required*. An unknown property stops the synthesis.

A \`Lapse\` can stand in a stack, a nested stack or a stage. A stack can hold several: give each its own outputs with
\`addOutputs('Sweden')\`, and name the prefix to the [command line](../operate/command-line.md) with
\`--prefix Sweden\`. Names that AWS takes only once start with the name of the stack. Where the \`Lapse\` is not the
stack's \`Default\`, a path and a hash follow.
`;

/** The page docs/reference/construct.md, from the docblocks of the construct's sources. */
export async function constructReference(): Promise<string> {
  const text = [introduction, ...sections.map(sectionText)].join('\n');
  return format(text, { ...(await resolveConfig('docs/reference/construct.md')), parser: 'markdown' });
}

function sectionText({ title, file, type }: Section): string {
  const tree = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const declaration = tree.statements.find(
    (each): each is ts.InterfaceDeclaration | ts.ClassDeclaration =>
      (ts.isInterfaceDeclaration(each) || ts.isClassDeclaration(each)) && each.name?.text === type,
  );
  if (!declaration) throw new Error(`${file} has no type ${type}.`);
  const members = declaration.members.filter(isPublic).map((member) => memberText(member, tree, file));
  return [`## ${title}`, descriptionOf(declaration), ...members].join('\n\n');
}

/** A member that a user sees: the constructor has no name of its own. */
const isPublic = (member: ts.TypeElement | ts.ClassElement): boolean =>
  member.name !== undefined && !ts.isPrivateIdentifier(member.name);

function memberText(member: ts.TypeElement | ts.ClassElement, tree: ts.SourceFile, file: string): string {
  const name = member.name?.getText(tree) ?? '';
  const signature = ts.isMethodDeclaration(member) ? signatureOf(member, tree) : typeOf(member, tree);
  const description = descriptionOf(member);
  if (description === '') throw new Error(`${file}: ${name} has no docblock.`);
  const isRequired =
    ts.isPropertySignature(member) && !member.questionToken && !file.endsWith('thresholds.ts');
  const byDefault = tagOf(member, 'default');
  return [
    `### \`${name}\``,
    `${signature}${isRequired ? ', required' : ''}`,
    description,
    ...parametersOf(member),
    ...(byDefault === undefined ? [] : [`Default: ${defaultText(byDefault)}`]),
  ].join('\n\n');
}

const typeOf = (member: ts.Node & { readonly type?: ts.TypeNode }, tree: ts.SourceFile): string =>
  `\`${member.type?.getText(tree) ?? ''}\``;

function signatureOf({ name, parameters, type }: ts.MethodDeclaration, tree: ts.SourceFile): string {
  const given = parameters.map((each) => each.getText(tree)).join(', ');
  return `\`${name.getText(tree)}(${given}): ${type?.getText(tree) ?? 'void'}\``;
}

const textOf = (comment: ts.JSDoc['comment']): string =>
  (ts.getTextOfJSDocComment(comment) ?? '').replaceAll(/\s+/g, ' ').trim();

const descriptionOf = (node: ts.Node): string =>
  textOf(ts.getJSDocCommentsAndTags(node).find((each) => ts.isJSDoc(each))?.comment);

function tagOf(node: ts.Node, name: string): string | undefined {
  const tag = ts.getJSDocTags(node).find(({ tagName }) => tagName.text === name);
  return tag && textOf(tag.comment);
}

const parametersOf = (node: ts.Node): readonly string[] =>
  ts
    .getJSDocTags(node)
    .filter((tag) => ts.isJSDocParameterTag(tag))
    .map((tag) => `- \`${tag.name.getText()}\`: ${textOf(tag.comment)}`);

/** After a hyphen stands a sentence, by the convention of the CDK; without one it is a value. */
const defaultText = (text: string): string =>
  text.startsWith('- ') ? text.slice(2) : /^'.*'$|^\w+(?:\.\w+)?$/.test(text) ? `\`${text}\`` : text;
