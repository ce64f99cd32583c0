/** The stack for those who do not use the CDK. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { functionNames } from '../../functions/contract/function-name.ts';
import type { Bundles } from '../../lib/bundles.ts';
import { bundleFunctions } from '../../lib/function-bundle.ts';
import { createResolver, type Resources } from '../../local/template/intrinsics.ts';
import { buildCloudFormation } from '../../tools/package/build-cloudformation.ts';
import { schemaFindings } from '../lib/aws-schema.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { cloudFormation } from './tarballs.ts';

const text = readFileSync(join(cloudFormation, 'lapse.template.json'), 'utf8');
const template = JSON.parse(text) as {
  readonly Parameters: Readonly<Record<string, { readonly Default?: unknown }>>;
  readonly Resources: Resources;
  readonly Outputs: Readonly<Record<string, unknown>>;
};
const ofType = (type: string) =>
  Object.values(template.Resources).filter((resource) => resource.Type === type);

let bundles: Bundles;
beforeAll(() => {
  bundles = bundleFunctions(join(cloudFormation, '..', 'bundles'));
});

describe('lapse.template.json', () => {
  it('the template needs only the bucket, and no bootstrap stack of the CDK', () => {
    const required = Object.entries(template.Parameters).filter(([, each]) => each.Default === undefined);
    expect(required.map(([name]) => name)).toEqual(['CodeBucket']);
    expect(text).not.toMatch(/cdk-hnb659fds|cdk-bootstrap|aws:cdk:/);
  });

  it('the template has the name of its stack from CloudFormation, so that several fit into one account', () => {
    expect(text).not.toContain('Lapse0');
    // An alias and the title of an API need not be unique.
    const inTheirParent = ['AWS::Lambda::Alias', 'AWS::ApiGatewayV2::Api'];
    const named = Object.values(template.Resources)
      .filter(({ Type, Properties = {} }) => 'Name' in Properties && !inTheirParent.includes(Type))
      .map(({ Type, Properties }) => [Type, Properties?.['Name']]);
    expect(named).toEqual([
      ['AWS::Scheduler::ScheduleGroup', { 'Fn::Sub': '${AWS::StackName}-sessions' }],
      ['AWS::Scheduler::ScheduleGroup', { 'Fn::Sub': '${AWS::StackName}-sweep' }],
      ['AWS::Events::EventBus', { 'Fn::Sub': '${AWS::StackName}-events' }],
    ]);
    for (const { Properties } of ofType('AWS::Lambda::Function')) {
      expect(Properties).toMatchObject({
        Environment: { Variables: { METRICS_STACK: { Ref: 'AWS::StackName' } } },
      });
    }
  });

  it('no parameter reaches the configuration of a function, which would need a new version', () => {
    for (const { Properties } of ofType('AWS::Lambda::Function')) {
      const { Code: _, ...configuration } = Properties ?? {};
      for (const name of Object.keys(template.Parameters)) {
        expect(JSON.stringify(configuration)).not.toMatch(new RegExp(`"Ref":"${name}"|\\$\\{${name}\\}`));
      }
    }
  });

  it("the template is valid by AWS's own schema", async () => {
    const resolve = createResolver(template.Resources, {
      region: 'eu-west-1',
      accountId: '000000000000',
      stackName: 'Lapse',
      awsUrl: 'https://sqs.eu-west-1.amazonaws.com',
    });
    const parameters = {
      CodeBucket: 'code',
      CodePrefix: 'lapse/',
      AlarmEmail: 'a@shop.example',
      LogRetentionDays: 30,
    };
    const resources = Object.entries(template.Resources).map(([id, { Type, Properties }]) => ({
      id,
      type: Type,
      properties: resolve(given(Properties ?? {}, parameters)) as Readonly<Record<string, unknown>>,
      deletionPolicy: undefined,
    }));
    expect(await schemaFindings(resources)).toEqual([]);
  });
});

describe('the archives of the functions', () => {
  it('each function refers to its archive, which holds its bundle', () => {
    const files = readdirSync(join(cloudFormation, 'functions'));
    expect(files).toHaveLength(functionNames.length);
    for (const { Properties = {} } of ofType('AWS::Lambda::Function')) {
      const name = String(Properties['Description']) as (typeof functionNames)[number];
      const file = files.find((each) => each.startsWith(`${name}-`)) ?? '';
      expect(Properties['Code']).toEqual({
        S3Bucket: { Ref: 'CodeBucket' },
        S3Key: { 'Fn::Sub': `\${CodePrefix}${file}` },
      });
      const unzipped = unzipSync(readFileSync(join(cloudFormation, 'functions', file)));
      expect(Object.keys(unzipped).toSorted()).toEqual(['entry.mjs', 'index.js', 'index.js.map']);
      for (const [path, bytes] of Object.entries(unzipped)) {
        expect(Buffer.from(bytes).equals(readFileSync(join(bundles[name], path))), `${name}/${path}`).toBe(
          true,
        );
      }
    }
  });

  it('the same sources give the same template and archives in another folder', async () => {
    const here = await temporaryFolder();
    buildCloudFormation(here, bundles, manifest.version);
    expect(readFileSync(join(here, 'lapse.template.json'), 'utf8')).toBe(text);
    for (const file of readdirSync(join(cloudFormation, 'functions'))) {
      const bytes = readFileSync(join(here, 'functions', file));
      expect(bytes.equals(readFileSync(join(cloudFormation, 'functions', file))), file).toBe(true);
    }
  }, 60_000);
});

/** Properties with the values of parameters in them. */
function given(part: unknown, parameters: Readonly<Record<string, unknown>>): unknown {
  if (Array.isArray(part)) return part.map((each) => given(each, parameters));
  if (typeof part !== 'object' || part === null) return part;
  const { Ref: reference, 'Fn::Sub': text } = part as { readonly Ref?: string; readonly 'Fn::Sub'?: string };
  if (reference !== undefined && reference in parameters) return parameters[reference];
  if (text?.includes('${CodePrefix}') === true)
    return text.replace('${CodePrefix}', String(parameters['CodePrefix']));
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, given(value, parameters)]));
}
