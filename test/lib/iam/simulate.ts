import {
  anonymousPrincipal,
  runSimulation,
  runUnsafeSimulation,
  type Simulation,
} from '@cloud-copilot/iam-simulate';
import type { IamRequest } from './iam-requests.ts';
import type { PlacedPolicy } from './stack-policies.ts';

/** The decision on a request. `denied` has both kinds: an explicit Deny, and no Allow. */
export type Decision = 'allowed' | 'denied';

/**
 * Evaluates a request against a stack's policies as IAM does: those of the role, and the resource's own. Throws where AWS has no
 * such action, or where the action does not take the resource.
 */
export async function decide(policies: readonly PlacedPolicy[], request: IamRequest): Promise<Decision> {
  const { principal, action, resource, context } = request;
  const isTrust = action === 'sts:AssumeRole';
  const statementsOf = (kind: PlacedPolicy['kind'], of: string) =>
    policies
      .filter((policy) => policy.kind === kind && policy.of === of)
      .flatMap((policy) => policy.statements);
  const documentOf = (statements: PlacedPolicy['statements']) => ({
    Version: '2012-10-17',
    Statement: statements,
  });
  const ofResource = isTrust
    ? statementsOf('trust', resource.slice(resource.lastIndexOf('/') + 1))
    : statementsOf('resource', resource);
  const simulation: Simulation = {
    request: {
      principal: principalOf(principal),
      action,
      resource: { resource, accountId: '000000000000' },
      contextVariables: { 'aws:SecureTransport': 'true', ...context },
    },
    identityPolicies: isRole(principal)
      ? [{ name: principal, policy: documentOf(statementsOf('identity', principal)) }]
      : [],
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    ...(ofResource.length > 0 && { resourcePolicy: documentOf(ofResource) }),
  };
  const result = await runSimulation(withStandIns(simulation), {});
  if (result.resultType !== 'error') return decisionOf(result.overallResult);
  // A qualified function may be an alias or a version: the simulation asks which. IAM decides the same for both, and an Allow of
  // the role is enough where the resource's policy denies nothing.
  if (
    result.errors.message === 'multiple.resource.types' &&
    ofResource.every(({ Effect }) => Effect === 'Allow')
  ) {
    const byRole = decisionOf(runUnsafeSimulation({ ...simulation, resourcePolicy: undefined }, {}));
    if (byRole === 'allowed') return byRole;
  }
  throw new Error(`${action} on ${resource}: ${result.errors.message}`);
}

/** The simulation does not know keys such as `kms:EncryptionContext:aws:logs:arn`, whose name is half a value. It knows this one. */
const withStandIns = (simulation: Simulation): Simulation =>
  JSON.parse(
    JSON.stringify(simulation).replaceAll(/kms:EncryptionContext:[\w:-]+/g, 'kms:ViaService'),
  ) as Simulation;

const decisionOf = (result: string): Decision => (result === 'Allowed' ? 'allowed' : 'denied');

const isRole = (principal: string): boolean => !principal.includes('.') && principal !== 'anonymous';

function principalOf(principal: string): Simulation['request']['principal'] {
  if (principal === 'anonymous') return anonymousPrincipal;
  return isRole(principal) ? `arn:aws:iam::000000000000:role/${principal}` : principal;
}
