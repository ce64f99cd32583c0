import * as cdk from 'aws-cdk-lib';
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
