import { readFile } from 'node:fs/promises';
import { readJson } from '../functions/contract/read-json.ts';
import type { CommonOptions } from './common-options.ts';
import { recallStack } from './remembered-stack.ts';
import { outputsOfStack, parseOutputs, type StackOutputs } from './stack-outputs.ts';
import { UsageError } from './usage-error.ts';

/** How the AWS clients of a command reach AWS, or the stand-ins of a local system. */
export interface AwsSettings {
  /** Default: that of the profile or the environment. */
  readonly region?: string;
  readonly profile?: string;
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** The system that a command works on. */
export interface Target {
  /** The name of the stack; `local` for a local system. */
  readonly name: string;
  readonly isLocal: boolean;
  readonly outputs: StackOutputs;
  readonly aws: AwsSettings;
  /** The control address of a local system. */
  readonly control?: string;
}

/** How the clients reach AWS where no stack is needed to know it. */
export const awsSettingsOf = ({ region, profile }: CommonOptions): AwsSettings => ({
  ...(region !== undefined && { region }),
  ...(profile !== undefined && { profile }),
});

/**
 * Finds the system: a local one by `--control`, else a stack by `--outputs` or `--stack`, else the one that `lapse deploy` deployed from
 * this folder.
 *
 * @throws {UsageError} where the options name none or several, or the stack lacks an output
 */
export async function findTarget(options: CommonOptions, folder: string): Promise<Target> {
  const { control, outputs: file, stack, prefix } = options;
  if (control !== undefined) {
    const others = Object.entries({ outputs: file, stack }).filter(([, value]) => value !== undefined);
    if (others.length > 0)
      throw new UsageError(
        `Give either --control or ${others.map(([name]) => `--${name}`).join(', ')}: each names a system.`,
      );
    return localTarget(control.replace(/\/+$/, ''), prefix);
  }
  if (file !== undefined) {
    const raw = outputsOfStack(readJson(await readFile(file, 'utf8')), file, stack);
    return deployed(stack ?? file, raw, awsSettingsOf(options), prefix);
  }
  if (stack !== undefined) {
    const aws = awsSettingsOf(options);
    return deployed(stack, await describeStack(stack, aws), aws, prefix);
  }
  const remembered = await recallStack(folder);
  if (!remembered)
    throw new UsageError(
      'No system is named. Give --stack NAME, --outputs FILE or --control URL, or run `lapse deploy` in this folder first.',
    );
  const aws = awsSettingsOf({
    ...options,
    region: options.region ?? remembered.region,
    profile: options.profile ?? remembered.profile,
  });
  return deployed(remembered.stack, remembered.outputs, aws, prefix);
}

function deployed(
  name: string,
  raw: Readonly<Record<string, unknown>>,
  aws: AwsSettings,
  prefix: string | undefined,
): Target {
  const outputs = parseOutputs(raw, `The stack ${name}`, prefix);
  return { name, isLocal: false, outputs, aws };
}

async function localTarget(control: string, prefix: string | undefined): Promise<Target> {
  const where = `${control}/outputs`;
  const response = await fetch(where).catch((error: unknown) => {
    throw new UsageError(
      `${where} does not respond. Is the local system running? Its "ready" line has the control address.`,
      { cause: error },
    );
  });
  const outputs = parseOutputs(outputsOfStack(readJson(await response.text()), where), where, prefix);
  const { AwsEndpointUrl: endpoint, AwsRegion: region } = outputs;
  return {
    name: 'local',
    isLocal: true,
    outputs,
    control,
    aws: {
      ...(endpoint !== undefined && { endpoint }),
      ...(region !== undefined && { region }),
      // The local system accepts any credentials.
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    },
  };
}

async function describeStack(name: string, aws: AwsSettings): Promise<Readonly<Record<string, unknown>>> {
  const { CloudFormationClient, DescribeStacksCommand } = await import('@aws-sdk/client-cloudformation');
  const { Stacks: [stack] = [] } = await new CloudFormationClient(aws)
    .send(new DescribeStacksCommand({ StackName: name }))
    .catch((error: unknown) => {
      if (!isMissingStack(error)) throw error;
      throw new UsageError(`--stack is ${name}; allowed: a stack of this account and Region.`, {
        cause: error,
      });
    });
  return Object.fromEntries(
    (stack?.Outputs ?? []).map(({ OutputKey: key = '', OutputValue: value }) => [key, value]),
  );
}

/** Whether there is no such stack. CloudFormation has no error of its own for that. */
export const isMissingStack = (error: unknown): boolean =>
  error instanceof Error && error.name === 'ValidationError' && error.message.includes('does not exist');
