import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { LambdaApplication, LambdaDeploymentConfig, LambdaDeploymentGroup } from 'aws-cdk-lib/aws-codedeploy';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Validations } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { LapseFunction } from './lapse-function.ts';

/**
 * A new version of a function gets a tenth of the calls for five minutes, and goes if an alarm of its function rings. For those
 * minutes two versions work on the same records, so a version must be able to read what its successor writes.
 */
export class CanaryDeployment extends Construct {
  constructor(
    scope: Construct,
    id: string,
    functions: readonly LapseFunction[],
    alarmsOf: (each: LapseFunction) => readonly Alarm[],
  ) {
    super(scope, id);
    const application = new LambdaApplication(this, 'Application');
    const role = this.#role(functions);
    for (const each of functions) {
      new LambdaDeploymentGroup(this, each.functionName, {
        application,
        // The CDK would add a managed policy that is good for all functions of the account.
        role: role.withoutPolicyUpdates(),
        alias: each.alias,
        deploymentConfig: LambdaDeploymentConfig.CANARY_10PERCENT_5MINUTES,
        alarms: [...alarmsOf(each)],
      });
    }
  }

  #role(functions: readonly LapseFunction[]): Role {
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('codedeploy.amazonaws.com'),
      description: 'Lets CodeDeploy shift the calls of the functions of Lapse from version to version',
    });
    role.addToPolicy(
      new PolicyStatement({
        actions: ['lambda:GetAlias', 'lambda:GetProvisionedConcurrencyConfig', 'lambda:UpdateAlias'],
        resources: functions.map(({ alias }) => alias.functionArn),
      }),
    );
    role.addToPolicy(new PolicyStatement({ actions: ['cloudwatch:DescribeAlarms'], resources: ['*'] }));
    Validations.of(role).acknowledge({
      id: 'AwsSolutions::AwsSolutions-IAM5[Resource::*]',
      reason: 'cloudwatch:DescribeAlarms knows no resources; CodeDeploy asks it whether to roll back.',
    });
    return role;
  }
}
