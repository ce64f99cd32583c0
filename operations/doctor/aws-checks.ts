/** What is checked about the deployed stack. */
import { routeKeys, routes, shopActions } from '../../functions/contract/routes.ts';
import type { StackOutputs } from '../stack-outputs.ts';
import { type Check, type Finding, notChecked, notHere, ok, problem, problemsOf } from './check.ts';

/** A queue in which nothing should be. */
export interface DeadLetters {
  readonly queue: string;
  readonly messages: number;
  /** The command that says what they are. */
  readonly command: string;
}

/** A quota, and how much of it was used at most in the last day. */
export interface QuotaUse {
  readonly name: string;
  readonly quota: number;
  /** `undefined` where AWS has no value. */
  readonly used: number | undefined;
}

/** The versions of a function. */
export interface FunctionVersions {
  readonly name: string;
  /** The version that the alias `live` names, and the hash of its code. */
  readonly live: string;
  readonly liveCode: string;
  /** The hash of the code that was deployed last. */
  readonly newestCode: string;
  /** The version that gets a part of the calls besides, during a gradual deployment. */
  readonly other: string | undefined;
}

/** The reads at AWS that the checks take. Each rejects with the error of AWS. */
export interface AwsReads {
  readonly deadLetters: () => Promise<readonly DeadLetters[]>;
  /** When the sweep last reported in the last hour, in milliseconds since 1970. */
  readonly lastSweep: () => Promise<number | undefined>;
  readonly subscriptions: (
    topicArn: string,
  ) => Promise<{ readonly confirmed: number; readonly pending: number }>;
  readonly quotas: () => Promise<readonly QuotaUse[]>;
  readonly functionVersions: () => Promise<readonly FunctionVersions[]>;
  /** Of calls of the API, as method and path, those that a role may not make, each with IAM's decision. */
  readonly refusedCalls: (
    roleArn: string,
    calls: readonly string[],
  ) => Promise<readonly { readonly call: string; readonly decision: string }[]>;
}

/** The deployed stack. */
export interface AwsWorld {
  readonly reads: AwsReads;
  readonly isLocal: boolean;
  readonly alarmTopicArn: string | undefined;
  /** Where callers reach the API. */
  readonly apiUrl: string;
  readonly apiAuthorization: StackOutputs['ApiAuthorization'];
  /** The role of the shop, and the account for which it calls. */
  readonly role: string | undefined;
  readonly account: string | undefined;
  readonly now: () => number;
}

/** Percent of a quota from which its use is a problem. The alarm on quotas has the same limit. */
const mostPercent = 80;

/** Minutes without a report of the sweep that are a problem. The alarm on its silence has the same limit. */
const mostSilence = 5;

const minute = 60_000;

/** A local system has nothing of this. */
const deployedOnly =
  (what: string, check: Check<AwsWorld>['check']): Check<AwsWorld>['check'] =>
  (world) =>
    world.isLocal ? notHere(`A local system has no ${what}.`) : check(world);

/** What is checked about the deployed stack. */
export const awsChecks: readonly Check<AwsWorld>[] = [
  {
    name: 'dead letters',
    needs: 'sqs:GetQueueAttributes on the three dead-letter queues',
    check: async ({ reads }) =>
      problemsOf(
        (await reads.deadLetters())
          .filter(({ messages }) => messages > 0)
          .map(({ queue, messages, command }) => ({
            problem: `${queue}: ${messages} messages wait.`,
            fix: `Run \`${command}\`, correct the cause, and send them again.`,
          })),
      ),
  },
  {
    name: 'sweep',
    needs: 'cloudwatch:GetMetricData',
    check: deployedOnly('metrics', checkSweep),
  },
  {
    name: 'alarm topic',
    needs: 'sns:ListSubscriptionsByTopic on the topic AlarmTopicArn',
    check: deployedOnly('alarm topic', checkTopic),
  },
  {
    name: 'quotas',
    needs: 'lambda:GetAccountSettings, servicequotas:ListServiceQuotas and cloudwatch:GetMetricData',
    check: deployedOnly('quotas', checkQuotas),
  },
  {
    name: 'function versions',
    needs: 'lambda:GetAlias and lambda:GetFunctionConfiguration on the functions',
    check: deployedOnly('function versions', checkVersions),
  },
  {
    name: "the shop's role",
    needs: 'iam:SimulatePrincipalPolicy on the role',
    check: deployedOnly('IAM', checkRole),
  },
];

async function checkSweep({ reads, now }: AwsWorld): Promise<Finding> {
  const last = await reads.lastSweep();
  const minutes = last === undefined ? undefined : Math.floor((now() - last) / minute);
  if (minutes !== undefined && minutes < mostSilence) return ok();
  return problem(
    `The sweep has not reported for ${minutes === undefined ? 'an hour' : `${minutes} minutes`}: what fails now is not repaired.`,
    'Run `lapse sweep-failures list`. Then compare the stack with its template (drift detection), and deploy it again.',
  );
}

async function checkTopic({ reads, alarmTopicArn: topic }: AwsWorld): Promise<Finding> {
  if (topic === undefined) return notChecked('The stack has no output AlarmTopicArn.');
  const { confirmed, pending } = await reads.subscriptions(topic);
  if (confirmed > 0) return ok(`${confirmed} subscribers`);
  return pending > 0
    ? problem(
        'No subscriber of the alarm topic has confirmed, so no alarm reaches a person.',
        `Open the confirmation that SNS sent to the ${pending} that are pending. After three days, subscribe again.`,
      )
    : problem(
        'The alarm topic has no subscriber, so no alarm reaches a person.',
        `Run \`aws sns subscribe --topic-arn ${topic} --protocol email --notification-endpoint ADDRESS\`, or connect your on-call tool.`,
      );
}

async function checkQuotas({ reads }: AwsWorld): Promise<Finding> {
  const quotas = await reads.quotas();
  return problemsOf(
    quotas.flatMap(({ name, quota, used }) => {
      const percent = quota > 0 ? Math.round(((used ?? 0) * 100) / quota) : 100;
      if (percent < mostPercent) return [];
      return {
        problem: `${name}: ${used ?? 0} of ${quota} were used in the last day (${percent} %).`,
        fix: 'Ask for a higher quota in Service Quotas.',
      };
    }),
    quotas.map(({ name, quota, used }) => `${name}: ${used ?? 'no use'} of ${quota}`).join('; '),
  );
}

async function checkVersions({ reads }: AwsWorld): Promise<Finding> {
  const versions = await reads.functionVersions();
  return problemsOf(
    versions.flatMap(({ name, live, liveCode, newestCode, other }) => {
      if (other !== undefined) {
        return {
          problem: `${name}: the versions ${live} and ${other} share the calls: a deployment is not finished.`,
          fix: 'Look at the deployment in CodeDeploy. It ends by itself, or rolls back after an alarm.',
        };
      }
      if (liveCode === newestCode) return [];
      return {
        problem: `${name}: the alias live names version ${live}, which is not the code that was deployed last.`,
        fix: 'Look at the last deployment in CodeDeploy: it may have been rolled back. Then run `lapse deploy` again.',
      };
    }),
    `${versions.length} functions`,
  );
}

async function checkRole({ reads, role, account, apiUrl, apiAuthorization }: AwsWorld): Promise<Finding> {
  if (apiAuthorization !== 'AWS_IAM') return notHere('Callers of this API have no IAM role.');
  if (role === undefined) return notHere('No role was given: give --role ARN to check it.');
  if (account === undefined) return notHere('No account was given: give --account to check the role for it.');
  if (!/^https:\/\/\w+\.execute-api\./.test(apiUrl))
    return notChecked('The API has a domain of its own: the simulation needs the id of the API.');
  const refused = await reads.refusedCalls(role, shopCalls(account));
  return problemsOf(
    refused.map(({ call, decision }) => ({
      problem: `The role may not call ${call} (${decision}).`,
      fix: 'Allow it: `lapse.grantCall(role, { account })` in the CDK, or execute-api:Invoke on the path in a policy.',
    })),
  );
}

/** The calls of a shop for an account, as method and path, with ids that a path can carry. */
const shopCalls = (account: string): readonly string[] =>
  routeKeys
    .filter((route) => shopActions.includes(routes[route].permission))
    .map((route) => route.replace('{account}', account).replaceAll(/\{\w+\}/g, 'any'));
