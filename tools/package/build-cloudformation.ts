import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, DefaultStackSynthesizer, type IStackSynthesizer } from 'aws-cdk-lib';
import { zipSync } from 'fflate';
import { functionNames } from '../../functions/contract/function-name.ts';
import type { Bundles } from '../../lib/bundles.ts';
import { LapseStack } from '../../lib/lapse-stack.ts';

interface Template {
  readonly Description?: string;
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs?: unknown;
}

interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly Metadata?: unknown;
}

/** Stands for the name of the stack, which is chosen at deployment. No other text contains it. */
const stackName = 'Lapse0stack0name0Lapse';

/**
 * Writes the stack for those who do not use the CDK: `lapse.template.json`, and one archive for each function in `functions/`. The
 * archives belong into a bucket that the parameters of the template name.
 *
 * @param version the part of the default prefix that changes with each release
 */
export function buildCloudFormation(folder: string, bundles: Bundles, version: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'functions'), { recursive: true });
  const archives = new Map<string, string>();
  for (const name of functionNames) {
    const archive = archiveOf(bundles[name]);
    const file = `${name}-${createHash('sha256').update(archive).digest('hex').slice(0, 16)}.zip`;
    writeFileSync(join(folder, 'functions', file), archive);
    archives.set(name, file);
  }
  const template = withParameters(synthesized(bundles), archives, version);
  writeFileSync(join(folder, 'lapse.template.json'), `${JSON.stringify(template, undefined, 1)}\n`);
}

/** The files of a bundle as Lambda takes them, with fixed times and readable by all: the same bytes on any machine. */
function archiveOf(bundle: string): Uint8Array {
  const files = readdirSync(bundle)
    .toSorted()
    .map((name) => [name, new Uint8Array(readFileSync(join(bundle, name)))] as const);
  return zipSync(Object.fromEntries(files), {
    level: 9,
    mtime: '2020-01-01T00:00:00',
    os: 3,
    attrs: 0o100644 << 16,
  });
}

function synthesized(bundles: Bundles): Template {
  const { context } = JSON.parse(readFileSync('cdk.json', 'utf8')) as { readonly context: object };
  const outdir = mkdtempSync(join(tmpdir(), 'lapse-cloudformation-'));
  try {
    const app = new App({ outdir, context: { ...context }, analyticsReporting: false });
    const stack = new LapseStack(app, 'Lapse', {
      stackName,
      description:
        'Ends a Klarna Payment Request when its checkout session ends, and never one the customer has paid',
      // No bootstrap stack is needed.
      synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }) as IStackSynthesizer,
      lapse: { bundles },
    });
    return app.synth().getStackArtifact(stack.artifactId).template as Template;
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

/**
 * The parameters. None of them changes a function: the alias `live` would keep the old configuration, because
 * nothing would publish a version.
 */
const parametersFor = (version: string) => ({
  CodeBucket: {
    Type: 'String',
    Description: 'The bucket, in the Region of the stack, with the archives of the functions',
    MinLength: 3,
  },
  CodePrefix: {
    Type: 'String',
    Description: 'What stands before the name of each archive in the bucket, with a slash at its end',
    Default: `lapse/${version}/`,
  },
  AlarmEmail: {
    Type: 'String',
    Description: 'An address that every alarm notifies. Empty: subscribe to the topic AlarmTopicArn yourself',
    Default: '',
  },
  LogRetentionDays: { Type: 'Number', Description: 'For how many days logs are kept', Default: 30 },
});

function withParameters(
  { Description, Resources, Outputs }: Template,
  archives: ReadonlyMap<string, string>,
  version: string,
): object {
  const resources = Object.entries(Resources).map(([id, { Metadata: _, ...resource }]) => [
    id,
    { ...resource, Properties: { ...resource.Properties, ...replacedIn(resource, archives) } },
  ]);
  const topicId = Object.keys(Resources).find((id) => Resources[id]?.Type === 'AWS::SNS::Topic');
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description,
    Parameters: parametersFor(version),
    Conditions: { HasAlarmEmail: { 'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'AlarmEmail' }, ''] }] } },
    Resources: {
      ...(withStackName(Object.fromEntries(resources)) as object),
      AlarmEmailSubscription: {
        Type: 'AWS::SNS::Subscription',
        Condition: 'HasAlarmEmail',
        Properties: { Protocol: 'email', TopicArn: { Ref: topicId }, Endpoint: { Ref: 'AlarmEmail' } },
      },
    },
    Outputs: withStackName(Outputs),
  };
}

/** The properties that come from parameters, or from the name of the stack. */
function replacedIn({ Type, Properties = {} }: Resource, archives: ReadonlyMap<string, string>): object {
  if (Type === 'AWS::Logs::LogGroup') return { RetentionInDays: { Ref: 'LogRetentionDays' } };
  // The CDK names it after the construct, so a second stack in the account would not get one.
  if (Type === 'AWS::Events::EventBus') return { Name: `${stackName}-events` };
  if (Type !== 'AWS::Lambda::Function') return {};
  const archive = archives.get(String(Properties['Description']));
  if (archive === undefined)
    throw new Error(`There is no archive for ${JSON.stringify(Properties['Description'])}.`);
  return { Code: { S3Bucket: { Ref: 'CodeBucket' }, S3Key: { 'Fn::Sub': `\${CodePrefix}${archive}` } } };
}

/** A part of the template with the name that the stack gets, wherever the name was written out. */
function withStackName(part: unknown): unknown {
  if (typeof part === 'string') {
    if (!part.includes(stackName)) return part;
    const text = part.replaceAll('${', '${!');
    return part === stackName
      ? { Ref: 'AWS::StackName' }
      : { 'Fn::Sub': text.replaceAll(stackName, '${AWS::StackName}') };
  }
  if (Array.isArray(part)) return part.map(withStackName);
  if (typeof part !== 'object' || part === null) return part;
  const entries = Object.entries(part).map(([key, value]) => {
    if (key.includes(stackName)) throw new Error(`${key} cannot have the name of the stack.`);
    if (key === 'Fn::Sub' && typeof value === 'string')
      return [key, value.replaceAll(stackName, '${AWS::StackName}')];
    return [key, withStackName(value)];
  });
  return Object.fromEntries(entries) as object;
}
