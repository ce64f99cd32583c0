import { createHash } from 'node:crypto';
import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/**
 * The name of one Lapse, which no other one of the AWS account and Region has. It is the stack's name, followed by the path within the
 * stack and a hash. The id `Default` adds nothing. A nested stack is part of the path: its own name is not known at synth.
 *
 * @param longest characters that the name may have. A longer one is cut and gets a hash.
 */
export function instanceName(lapse: Construct, longest: number): string {
  const stack = outermostStack(lapse);
  const ids = lapse.node.scopes
    .slice(lapse.node.scopes.indexOf(stack) + 1)
    .map(({ node }) => node.id)
    .filter((id) => id !== 'Default');
  const name = [stack.stackName, ...ids]
    .join('-')
    .replaceAll(/[^0-9A-Za-z_.]+/g, '-')
    .replace(/-$/, '');
  if (ids.length === 0 && name.length <= longest) return name;
  const hash = createHash('sha256')
    .update([stack.stackName, ...ids].join('/'))
    .digest('hex');
  const suffix = `-${hash.slice(0, 8)}`;
  return `${name.slice(0, longest - suffix.length)}${suffix}`;
}

/** The stack that CloudFormation deploys: a nested stack is a resource of it. */
export function outermostStack(construct: Construct): Stack {
  const stack = Stack.of(construct);
  return stack.nestedStackParent ? outermostStack(stack.nestedStackParent) : stack;
}
