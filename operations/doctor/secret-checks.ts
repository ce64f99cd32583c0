import { type Check, notHere, type Problem, problemsOf } from './check.ts';
import type { ReadSecret, ReadSecrets } from './read-secrets.ts';

/** The secrets, read once. */
export interface SecretsWorld {
  readonly secrets: () => Promise<ReadSecrets>;
}

/** Percent of the longest secret from which on its size is a problem. The alarm `SecretSize` has the same limit. */
const mostPercent = 80;

const needs = 'secretsmanager:GetSecretValue on every secret, and ListSecrets';

const allOf = ({
  accounts,
  signingKeys,
  credentials,
  pageKeys,
}: ReadSecrets): readonly ReadSecret<unknown>[] => [
  accounts,
  signingKeys,
  ...credentials,
  ...(pageKeys ? [pageKeys] : []),
];

const violationsOf = ({ name, violations }: ReadSecret<unknown>): readonly Problem[] =>
  violations.map((violation) => ({
    problem: violation,
    fix: violation.includes('is empty')
      ? 'Run `lapse connect` with the name of this credential.'
      : `Correct the secret ${name}. It works within two minutes, without a deployment.`,
  }));

/** What is checked about the secrets themselves. */
export const secretChecks: readonly Check<SecretsWorld>[] = [
  {
    name: 'accounts',
    needs,
    check: async ({ secrets }) => {
      const { accounts } = await secrets();
      return problemsOf(violationsOf(accounts), `${accounts.entries.length} entries`);
    },
  },
  {
    name: 'signing-keys',
    needs,
    check: async ({ secrets }) => {
      const { signingKeys } = await secrets();
      return problemsOf(violationsOf(signingKeys), `${signingKeys.entries.length} keys`);
    },
  },
  {
    name: 'credentials',
    needs,
    check: async ({ secrets }) => {
      const { credentials } = await secrets();
      return problemsOf(credentials.flatMap(violationsOf), `${credentials.length} credentials`);
    },
  },
  {
    name: 'page-keys',
    needs,
    check: async ({ secrets }) => {
      const { pageKeys } = await secrets();
      if (!pageKeys) return notHere('the stack has no pageOrigins');
      return problemsOf(violationsOf(pageKeys), `${pageKeys.entries.length} keys`);
    },
  },
  {
    name: 'bindings',
    needs,
    check: async ({ secrets }) => problemsOf(wrongBindings(await secrets())),
  },
  {
    name: 'size',
    needs,
    check: async ({ secrets }) =>
      problemsOf(
        allOf(await secrets()).flatMap(({ name, percent }) => {
          if (percent < mostPercent) return [];
          return {
            problem: `The secret ${name} takes ${Math.round(percent)} % of the 64 KB that Secrets Manager allows.`,
            fix: 'Move the accounts that share an API key to a credential: `lapse connect` makes one. Remove their entries.',
          };
        }),
      ),
  },
  {
    name: 'something to serve',
    needs,
    check: async ({ secrets }) => {
      const { accounts, credentials } = await secrets();
      const isNone = [accounts, ...credentials].every(
        ({ entries, violations }) => entries.length + violations.length === 0,
      );
      const found = {
        problem: 'There is no credential and no account, so nothing can be canceled.',
        fix: 'Run `lapse connect --credential NAME --env test`.',
      };
      return problemsOf(isNone ? [found] : []);
    },
  },
];

/** Signing keys whose credential does not exist, or is of the other environment. */
function wrongBindings({ signingKeys, credentials }: ReadSecrets): readonly Problem[] {
  const named = new Map(
    credentials.flatMap(({ entries }) => entries.map((each) => [each.name, each] as const)),
  );
  const isReadable = credentials.every(({ violations }) => violations.length === 0);
  return signingKeys.entries.flatMap(({ id, live, partners }): readonly Problem[] => {
    if (!partners) return [];
    const credential = named.get(partners.credential);
    if (!credential) {
      if (!isReadable) return [];
      return [
        {
          problem: `The signing key ${id} is bound to the credential ${partners.credential}, which does not exist.`,
          fix: `Name an existing credential in the secret ${signingKeys.name}, or run \`lapse connect\`.`,
        },
      ];
    }
    const { environment } = credential.klarna;
    if (live === undefined || live === (environment === 'live')) return [];
    return [
      {
        problem: `The signing key ${id} is for ${live ? 'live' : 'test'} webhooks, and its credential ${credential.name} is of the environment ${environment}.`,
        fix: `Correct \`live\` of the key in the secret ${signingKeys.name}.`,
      },
    ];
  });
}
