import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type CfnElement, type Environment, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import type { FunctionName } from '../../functions/contract/function-name.ts';
import { functionNames } from '../../functions/contract/function-name.ts';
import { LapseAlarm } from '../../lib/lapse-alarm.ts';
import type { LapseProps } from '../../lib/lapse.ts';
import { LapseStack } from '../../lib/lapse-stack.ts';
import { createResolver, type Resource, type Resources } from '../../local/template/intrinsics.ts';

/** A resource with its intrinsic functions resolved. */
export interface Synthesized {
  readonly id: string;
  readonly type: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly deletionPolicy: string | undefined;
}

/** Passes one folder for all bundles: their content is not what these tests are about. */
export function withBundles<Result>(
  use: (bundles: Readonly<Record<FunctionName, string>>) => Result,
): Result {
  const folder = mkdtempSync(join(tmpdir(), 'lapse-bundle-'));
  try {
    writeFileSync(join(folder, 'index.js'), 'exports.handler = async () => undefined;');
    return use(
      Object.fromEntries(functionNames.map((name) => [name, folder])) as Record<FunctionName, string>,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const synthesizeStack = (
  lapse: LapseProps = {},
  env: Environment = {},
  stackName = 'Lapse',
): LapseStack =>
  withBundles((bundles) => new LapseStack(new App(), stackName, { env, lapse: { bundles, ...lapse } }));

export const templateOf = (lapse: LapseProps = {}): Template => Template.fromStack(synthesizeStack(lapse));

/** Every resource of a template, resolved as CloudFormation would in one account and Region. */
export function resourcesOf(template: Template): readonly Synthesized[] {
  const { Resources: resources } = template.toJSON() as { readonly Resources: Resources };
  const resolve = createResolver(resources, {
    region: 'eu-west-1',
    accountId: '000000000000',
    stackName: 'Lapse',
    awsUrl: 'https://sqs.eu-west-1.amazonaws.com',
  });
  return Object.entries(resources).map(([id, resource]) => ({
    id,
    type: resource.Type,
    properties: (resolve(resource.Properties ?? {}) ?? {}) as Readonly<Record<string, unknown>>,
    deletionPolicy: (resource as Resource & { readonly DeletionPolicy?: string }).DeletionPolicy,
  }));
}

/** An alarm of the stack, by the path of its construct, such as `SessionTimer/TimerLateness`. */
export interface SynthesizedAlarm {
  readonly name: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** Every alarm of a stack with these settings, after `prepare`. */
export function alarmsOf(
  lapse: LapseProps = {},
  prepare: (stack: LapseStack) => unknown = () => undefined,
  stackName = 'Lapse',
): readonly SynthesizedAlarm[] {
  const stack = synthesizeStack(lapse, {}, stackName);
  prepare(stack);
  const resources = new Map(
    resourcesOf(Template.fromStack(stack)).map((resource) => [resource.id, resource]),
  );
  return stack.lapse.node
    .findAll()
    .filter((construct) => construct instanceof LapseAlarm)
    .map((alarm) => ({
      name: alarm.node.path.replace(`${stack.lapse.node.path}/`, ''),
      properties:
        resources.get(Stack.of(alarm).getLogicalId(alarm.node.defaultChild as CfnElement))?.properties ?? {},
    }));
}
