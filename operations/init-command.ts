import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Option } from '@commander-js/extra-typings';
import manifest from '../package.json' with { type: 'json' };
import { readJson } from '../functions/contract/read-json.ts';
import type { Open } from './command-context.ts';
import type { Program } from './common-options.ts';
import { runProgram } from './run-program.ts';
import { UsageError } from './usage-error.ts';

/** The app that `lapse init` writes and `lapse deploy` deploys. */
export const appFile = 'lapse-app.mjs';

/** The settings of a stage, as they stand in the app. */
const settingsOf = {
  test: ['logRetentionDays: 7', 'retentionDays: 30', 'canary: false'],
  live: ['logRetentionDays: 90'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

type Stage = keyof typeof settingsOf;
const stages = Object.keys(settingsOf) as readonly Stage[];
const ingresses = ['function-url', 'http-api'] as const;

interface Choice {
  readonly stage: Stage;
  readonly region: string;
  readonly ingress: (typeof ingresses)[number];
}

/** Adds `lapse init`. */
export function addInitCommand(program: Program, open: Open): void {
  program
    .command('init')
    .description('make a small CDK app in this folder, or add Lapse to the one that is here')
    .addOption(new Option('--stage <name>', 'what the stack is for').choices(stages).default('test' as const))
    .addOption(
      new Option('--ingress <kind>', 'where webhooks arrive')
        .choices(ingresses)
        .default('function-url' as const),
    )
    .option('--no-install', 'write the files only')
    .addHelpText(
      'after',
      `
Examples:
  lapse init --region eu-north-1
  lapse init --region eu-north-1 --stage live --ingress http-api

It writes ${appFile}, and package.json and cdk.json where there are none. It changes no file that is there, except that
it adds the missing dependencies to package.json.`,
    )
    .action(async ({ stage, ingress, install }) => {
      const { options, isDryRun, folder, print } = open();
      const region = options.region ?? process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'];
      if (region === undefined || !/^[a-z]{2}(-[a-z]+)+-\d$/.test(region))
        throw new UsageError(
          `--region is ${region ?? 'missing'}; allowed: an AWS Region such as eu-north-1.`,
        );
      const files = await filesOf(folder, { stage, region, ingress });
      for (const { name, words, content } of files) {
        if (!isDryRun) await writeFile(join(folder, name), content);
        print.result({ file: name, action: words }, `${words.padEnd(9)} ${name}`);
      }
      if (isDryRun || !install || !files.some(({ name }) => name === 'package.json')) return;
      print.say('Installing the packages …');
      await runProgram('npm', ['install', '--no-audit', '--no-fund'], folder);
      print.say('Next: npx lapse deploy');
    });
}

interface FileToWrite {
  readonly name: string;
  readonly words: 'created' | 'completed';
  readonly content: string;
}

/** The files to write. An app that is there is left as it is, so a second `init` changes nothing. */
async function filesOf(folder: string, choice: Choice): Promise<readonly FileToWrite[]> {
  const files: FileToWrite[] = [];
  if (!(await exists(join(folder, appFile))))
    files.push({ name: appFile, words: 'created', content: appOf(choice) });
  if (!(await exists(join(folder, 'cdk.json'))))
    files.push({
      name: 'cdk.json',
      words: 'created',
      content: `${JSON.stringify({ app: `node ${appFile}` }, undefined, 2)}\n`,
    });
  const manifestFile = await manifestOf(folder);
  return manifestFile ? [...files, manifestFile] : files;
}

const exists = async (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

function appOf({ stage, region, ingress }: Choice): string {
  const settings = [
    ...settingsOf[stage],
    ...(ingress === 'http-api' ? [`webhookIngress: 'http-api'`] : []),
    '...klarnaUrls',
  ];
  return `// The stack of Lapse. \`lapse deploy\` deploys it. Every setting: the construct reference of the package \`lapse\`.
import { App } from 'aws-cdk-lib';
import { LapseStack } from 'lapse/stack';

const app = new App();
// \`-c klarnaUrl=http://127.0.0.1:5300\` sends every call for Klarna to a stand-in, for tests.
const klarnaUrl = app.node.tryGetContext('klarnaUrl');
const klarnaUrls = klarnaUrl ? { klarnaTestUrl: klarnaUrl, klarnaLiveUrl: klarnaUrl } : {};
new LapseStack(app, 'Lapse-${stage}', {
  env: { region: '${region}' },
  lapse: {
${settings.map((setting) => `    ${setting},`).join('\n')}
  },
});
`;
}

const { version, devDependencies: pinned } = manifest;

/** What the app needs, at the versions that this version of Lapse was tested with. */
const needed = {
  dependencies: {
    'aws-cdk-lib': pinned['aws-cdk-lib'],
    constructs: pinned.constructs,
    lapse: version,
  },
  devDependencies: { 'aws-cdk': pinned['aws-cdk'] },
} as const;

type Dependencies = Readonly<Record<string, string>>;

/** A new manifest, or the one that is there with what it lacks. `undefined` where it lacks nothing. */
async function manifestOf(folder: string): Promise<FileToWrite | undefined> {
  const file = join(folder, 'package.json');
  const content = await readFile(file, 'utf8').catch(() => undefined);
  if (content === undefined)
    return { name: 'package.json', words: 'created', content: textOf({ private: true, ...needed }) };
  const there = readJson(content);
  if (typeof there !== 'object' || there === null || Array.isArray(there))
    throw new UsageError(`${file} is not a JSON object. Correct it, and run this again.`);
  const lists: Readonly<Record<string, Dependencies | undefined>> = { ...there };
  const has = (name: string) =>
    ['dependencies', 'devDependencies', 'peerDependencies'].some((list) => lists[list]?.[name] !== undefined);
  const missing = Object.entries(needed).map(
    ([list, entries]) => [list, Object.entries(entries).filter(([name]) => !has(name))] as const,
  );
  if (missing.every(([, entries]) => entries.length === 0)) return undefined;
  const completed = missing
    .filter(([, entries]) => entries.length > 0)
    .map(([list, entries]) => [list, { ...lists[list], ...Object.fromEntries(entries) }]);
  return {
    name: 'package.json',
    words: 'completed',
    content: textOf({ ...there, ...(Object.fromEntries(completed) as object) }),
  };
}

const textOf = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`;
