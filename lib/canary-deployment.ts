import { LambdaApplication, LambdaDeploymentConfig, LambdaDeploymentGroup } from 'aws-cdk-lib/aws-codedeploy';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import type { LapseAlarm } from './lapse-alarm.ts';
import type { LapseFunction } from './lapse-function.ts';

/**
 * A new version of a function gets a tenth of the invocations for five minutes. It is rolled back if an invocation of any function fails.
 * Two versions work on the same records meanwhile, so a version must be able to read what the next one writes.
 */
export class CanaryDeployment extends Construct {
  constructor(
    scope: Construct,
    id: string,
    { functions, alarms }: { functions: readonly LapseFunction[]; alarms: readonly LapseAlarm[] },
  ) {
    super(scope, id);
    const application = new LambdaApplication(this, 'Application');
    const role = this.#createRole(functions);
    for (const each of functions) {
      new LambdaDeploymentGroup(this, each.functionName, {
        application,
        // The CDK would add a managed policy that covers all functions of the account.
        role: role.withoutPolicyUpdates(),
        alias: each.alias,
        deploymentConfig: LambdaDeploymentConfig.CANARY_10PERCENT_5MINUTES,
        alarms: [...alarms],
      });
    }
  }

  #createRole(functions: readonly LapseFunction[]): Role {
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('codedeploy.amazonaws.com'),
      description: 'Lets CodeDeploy shift the invocations of the functions of Lapse from version to version',
    });
    // AWS authorizes both on the function, without the alias
    // (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html).
    role.addToPolicy(
      new PolicyStatement({
        actions: ['lambda:GetAlias', 'lambda:UpdateAlias'],
        resources: functions.map((each) => each.function.functionArn),
      }),
    );
    role.addToPolicy(
      new PolicyStatement({
        actions: ['lambda:GetProvisionedConcurrencyConfig'],
        resources: functions.map(({ alias }) => alias.functionArn),
      }),
    );
    role.addToPolicy(new PolicyStatement({ actions: ['cloudwatch:DescribeAlarms'], resources: ['*'] }));
    acknowledge(role, {
      id: 'AwsSolutions::AwsSolutions-IAM5[Resource::*]',
      reason: 'cloudwatch:DescribeAlarms has no resource type. CodeDeploy calls it to decide on a rollback.',
    });
    return role;
  }
}
