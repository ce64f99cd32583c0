import type { Synthesized } from '../synthesized.ts';

/** A statement of a policy, as CloudFormation has it: one or several of each. */
export interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Principal?: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** A policy document with the place where it stands in the template. */
export interface PlacedPolicy {
  /** Logical id of the policy, or of the resource that has it. */
  readonly id: string;
  readonly kind: 'identity' | 'trust' | 'resource';
  /** The role's logical id of an identity or trust policy, or the ARN of a resource policy's resource. */
  readonly of: string;
  readonly statements: readonly Statement[];
}

interface PolicyDocument {
  readonly Statement: readonly Statement[];
}

/** One value or several, as a list. */
export const listOf = <Value>(value: Value | readonly Value[]): readonly Value[] =>
  Array.isArray(value) ? (value as readonly Value[]) : [value as Value];

/** Every policy of a stack: of roles, what roles trust, and of queues, topics, keys and functions. */
export function policiesOf(resources: readonly Synthesized[]): readonly PlacedPolicy[] {
  return resources.flatMap((resource) => readers[resource.type]?.(resource) ?? []);
}

const statementsOf = (document: unknown): readonly Statement[] =>
  document === undefined ? [] : (document as PolicyDocument).Statement;

const readers: Readonly<Record<string, (resource: Synthesized) => readonly PlacedPolicy[]>> = {
  'AWS::IAM::Role': ({ id, properties }) => [
    { id, kind: 'trust', of: id, statements: statementsOf(properties['AssumeRolePolicyDocument']) },
  ],
  'AWS::IAM::Policy': ({ id, properties }) =>
    (properties['Roles'] as readonly string[]).map((role) => ({
      id,
      kind: 'identity',
      of: role,
      statements: statementsOf(properties['PolicyDocument']),
    })),
  'AWS::SQS::QueuePolicy': ({ id, properties }) =>
    (properties['Queues'] as readonly string[]).map((url) => ({
      id,
      kind: 'resource',
      of: `arn:aws:sqs:eu-west-1:000000000000:${url.slice(url.lastIndexOf('/') + 1)}`,
      statements: statementsOf(properties['PolicyDocument']),
    })),
  'AWS::SNS::TopicPolicy': ({ id, properties }) =>
    (properties['Topics'] as readonly string[]).map((topic) => ({
      id,
      kind: 'resource',
      of: topic,
      statements: statementsOf(properties['PolicyDocument']),
    })),
  'AWS::Events::EventBusPolicy': ({ id, properties }) => [
    {
      id,
      kind: 'resource',
      of: `arn:aws:events:eu-west-1:000000000000:event-bus/${String(properties['EventBusName'])}`,
      statements: [properties['Statement'] as Statement],
    },
  ],
  'AWS::KMS::Key': ({ id, properties }) => [
    {
      id,
      kind: 'resource',
      of: `arn:aws:kms:eu-west-1:000000000000:key/${id}`,
      statements: statementsOf(properties['KeyPolicy']),
    },
  ],
  'AWS::Lambda::Permission': ({ id, properties }) => [
    {
      id,
      kind: 'resource',
      of: String(properties['FunctionName']),
      statements: [permissionStatement(properties)],
    },
  ],
};

/** The statement that Lambda adds to a function's policy for a permission. */
function permissionStatement(properties: Synthesized['properties']): Statement {
  const principal = String(properties['Principal']);
  const { SourceArn: sourceArn, FunctionUrlAuthType: authType } = properties;
  const viaUrl = properties['InvokedViaFunctionUrl'] === true;
  return {
    Effect: 'Allow',
    Action: String(properties['Action']),
    Resource: String(properties['FunctionName']),
    Principal: principal === '*' ? '*' : { Service: principal },
    Condition: {
      ...(sourceArn !== undefined && { ArnLike: { 'aws:SourceArn': sourceArn } }),
      ...(authType !== undefined && { StringEquals: { 'lambda:FunctionUrlAuthType': authType } }),
      ...(viaUrl && { Bool: { 'lambda:InvokedViaFunctionUrl': 'true' } }),
    },
  };
}
