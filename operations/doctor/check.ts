import { hasStatus } from '../klarna/klarna-error.ts';

/** A problem, and what to do about it. Neither has a secret. */
export interface Problem {
  readonly problem: string;
  readonly fix: string;
}

/**
 * The result of a check.
 * - `ok`: it found no problem. `problem`: it found some.
 * - `not_checked`: it could not run. `not_here`: it does not apply to this system.
 */
export type Finding =
  | { readonly kind: 'ok'; readonly detail?: string }
  | { readonly kind: 'problem'; readonly problems: readonly [Problem, ...Problem[]] }
  | { readonly kind: 'not_checked'; readonly why: string }
  | { readonly kind: 'not_here'; readonly why: string };

/** One check of the doctor, over what it reads at. */
export interface Check<World> {
  readonly name: string;
  /** What it needs to be allowed, as the operator knows it. */
  readonly needs: string;
  readonly check: (world: World) => Promise<Finding> | Finding;
}

/** A finding, the check that made it, and what it is about. */
export type Report = Finding & {
  readonly name: string;
  /** The credential, the secret or the system. */
  readonly about: string;
};

/** No problem; a detail where one helps. */
export const ok = (detail?: string): Finding => ({ kind: 'ok', ...(detail !== undefined && { detail }) });

/** One problem. */
export const problem = (found: string, fix: string): Finding => ({
  kind: 'problem',
  problems: [{ problem: found, fix }],
});

/** These problems, or none. */
export const problemsOf = (problems: readonly Problem[], detail?: string): Finding => {
  const [first, ...others] = problems;
  return first ? { kind: 'problem', problems: [first, ...others] } : ok(detail);
};

/** The check does not apply. */
export const notHere = (why: string): Finding => ({ kind: 'not_here', why });

/** The check could not run. */
export const notChecked = (why: string): Finding => ({ kind: 'not_checked', why });

/** Runs every check of a world. One that fails becomes a finding, and holds up no other. */
export const runChecks = <World>(
  checks: readonly Check<World>[],
  world: World,
  about: string,
): Promise<readonly Report[]> =>
  Promise.all(
    checks.map(async ({ name, needs, check }) => {
      const found = await Promise.resolve()
        .then(() => check(world))
        .catch((error: unknown) => notChecked(whyOf(error, needs)));
      return { ...found, name, about };
    }),
  );

/** The errors by which AWS and Klarna refuse a caller. */
const isRefusal = (error: Error): boolean =>
  /AccessDenied|AuthorizationError|NotAuthorized|UnauthorizedOperation/i.test(error.name) ||
  hasStatus(error, 403);

/** One sentence about why a read could not run. It has no secret, and no name of a person. */
export function whyOf(error: unknown, needs: string): string {
  if (!(error instanceof Error)) return 'It failed.';
  if (hasStatus(error, 401)) return 'Klarna refuses the API key.';
  if (isRefusal(error)) return `The call is refused. It needs ${needs}.`;
  return `${error.name === 'Error' || error.name === 'KlarnaError' ? '' : `${error.name}: `}${error.message}`;
}
