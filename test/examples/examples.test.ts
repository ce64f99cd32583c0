import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Template } from 'aws-cdk-lib/assertions';
import { expect, it } from 'vitest';
import { schemaFindings } from '../lib/aws-schema.ts';
import { resourcesOf } from '../lib/synthesized.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const root = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);

/** An example is a process that loads the CDK and bundles every function. */
const timeout = 120_000;

/** Synthesizes an example as a user of the package would, but from the sources. */
async function synthesized(example: string): Promise<Template> {
  const CDK_OUTDIR = await temporaryFolder();
  await run(process.execPath, ['--import=./test/support/from-sources.ts', join('examples', example)], {
    cwd: root,
    env: { ...process.env, CDK_OUTDIR },
  });
  const [template = ''] = readdirSync(CDK_OUTDIR).filter((file) => file.endsWith('.template.json'));
  return Template.fromString(await readFile(join(CDK_OUTDIR, template), 'utf8'));
}

it('the example as-it-is.ts is Lapse in its own stack with other settings', { timeout }, async () => {
  const template = await synthesized('as-it-is.ts');
  expect(await schemaFindings(resourcesOf(template))).toEqual([]);
  template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
    ScalingConfig: { MaximumConcurrency: 20 },
  });
  template.hasResourceProperties('AWS::Lambda::Function', {
    Environment: { Variables: { MAX_SESSION_SECONDS: '7200' } },
  });
});

it(
  'the example in-your-stack.ts creates nothing that was given, and encrypts everything with the key',
  { timeout },
  async () => {
    const template = await synthesized('in-your-stack.ts');
    const resources = resourcesOf(template);
    expect(await schemaFindings(resources)).toEqual([]);
    for (const type of [
      'AWS::DynamoDB::GlobalTable',
      'AWS::Events::EventBus',
      'AWS::SNS::Topic',
      'AWS::KMS::Key',
    ]) {
      template.resourceCountIs(type, 1);
    }
    template.resourceCountIs('AWS::Lambda::Url', 0);
    const ours = resources.filter(({ id }) => id.startsWith('Lapse'));
    for (const { type, properties } of ours) {
      if (type === 'AWS::SQS::Queue') expect(properties).toHaveProperty('KmsMasterKeyId');
      if (type === 'AWS::SecretsManager::Secret') expect(properties).toHaveProperty('KmsKeyId');
      if (type === 'AWS::ApiGatewayV2::Route' && properties['RouteKey'] !== 'ANY /klarna/webhook') {
        expect(properties).toMatchObject({
          AuthorizationType: 'JWT',
          AuthorizationScopes: ['payments/cancel'],
        });
      }
    }
  },
);

it(
  'the example fixed-egress.ts runs every function behind the NAT gateways, whose addresses are an output',
  { timeout },
  async () => {
    const template = await synthesized('fixed-egress.ts');
    const resources = resourcesOf(template);
    expect(await schemaFindings(resources)).toEqual([]);
    const gateways = resources.filter(({ type }) => type === 'AWS::EC2::NatGateway');
    expect(gateways.map(({ properties }) => properties['AllocationId'])).toEqual([
      'Address1.AllocationId',
      'Address2.AllocationId',
    ]);
    const functions = resources.filter(
      ({ id, type }) => type === 'AWS::Lambda::Function' && id.startsWith('Lapse'),
    );
    expect(functions).toHaveLength(7);
    for (const { properties } of functions) {
      const { SubnetIds: subnets } = properties['VpcConfig'] as { SubnetIds: readonly string[] };
      expect(subnets).toHaveLength(2);
      for (const subnet of subnets) expect(subnet).toContain('PrivateSubnet');
    }
    expect(template.findOutputs('EgressAddresses')).toMatchObject({
      EgressAddresses: { Value: { 'Fn::Join': [', ', [{ Ref: 'Address1' }, { Ref: 'Address2' }]] } },
    });
  },
);
