import * as cdk from 'aws-cdk-lib';
import type { Role } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';

/** A finding of a check that is accepted on purpose. */
interface Acknowledgement {
  readonly id: string;
  readonly reason: string;
}

/** Accepts findings for a construct. An older CDK has no such checks, so there it does nothing. */
export function acknowledge(construct: IConstruct, ...findings: readonly Acknowledgement[]): void {
  if ('Validations' in cdk) cdk.Validations.of(construct).acknowledge(...findings);
}

/** Accepts a resource with a wildcard in the policy of a construct. The id of such a finding has the ARN as the template has it. */
export function acknowledgeResource(construct: IConstruct, arn: string, reason: string): void {
  const written = textOf(cdk.Stack.of(construct).resolve(arn));
  acknowledge(construct, { id: `AwsSolutions::AwsSolutions-IAM5[Resource::${written}]`, reason });
}

/** Accepts the two actions with a wildcard that the CDK grants for a key: KMS has several of each name, for the same use. */
export function acknowledgeKey(role: Role): void {
  const reason = 'The CDK grants these for one key. Each stands for variants of one action.';
  const ids = ['GenerateDataKey', 'ReEncrypt'].map(
    (verb) => `AwsSolutions::AwsSolutions-IAM5[Action::kms:${verb}*]`,
  );
  acknowledge(role, ...ids.map((id) => ({ id, reason })));
}

/** A resolved value as cdk-nag writes it: `<AWS::Region>` for a reference. */
function textOf(resolved: unknown): string {
  if (typeof resolved === 'string') return resolved;
  const { Ref: reference, 'Fn::Join': join } = resolved as {
    readonly Ref?: string;
    readonly 'Fn::Join'?: readonly [string, readonly unknown[]];
  };
  return join ? join[1].map(textOf).join(join[0]) : `<${reference ?? ''}>`;
}
