import { audience, type TokenIssuer } from './token-issuer.ts';

/** One way to deploy Lapse that is tried on the emulator. */
export interface Stage {
  readonly name: string;
  readonly stackName: string;
  /** What follows `cdk` for this stage, before and after the changed setting. */
  readonly options: readonly string[];
  readonly changedOptions: readonly string[];
  /** What the app of the stage reads, before and after the changed setting. */
  readonly environment: Readonly<Record<string, string>>;
  readonly changedEnvironment: Readonly<Record<string, string>>;
  /** Types of resources that stay when the stack is deleted. */
  readonly kept: readonly string[];
  /** A token for the callers, where they do not sign with IAM. */
  readonly token: string | undefined;
}

const scope = 'lapse/cancel';

/** The stack as `npx cdk deploy` makes it, with IAM and a Lambda URL. The changed setting makes the sweep the only timer. */
const defaultStage = (klarnaUrl: string): Stage => {
  const options = ['--context', `klarnaUrl=${klarnaUrl}`];
  return {
    name: 'default',
    stackName: 'Lapse',
    options,
    changedOptions: [...options, '--context', 'timers=sweep'],
    environment: {},
    changedEnvironment: {},
    kept: ['AWS::DynamoDB::GlobalTable', 'AWS::SecretsManager::Secret'],
    token: undefined,
  };
};

/** The webhook on the HTTP API, and callers with JWTs, as a preview that leaves nothing behind. */
const apiStage = (klarnaUrl: string, issuer: TokenIssuer): Stage => {
  const options = ['--app', 'node --import ./tools/require-node.js test/outside/api-stage.ts'];
  const environment = {
    JWT_ISSUER: issuer.url,
    JWT_AUDIENCE: audience,
    JWT_SCOPE: scope,
    KLARNA_URL: klarnaUrl,
  };
  return {
    name: 'api',
    stackName: 'Lapse-api',
    options,
    changedOptions: options,
    environment,
    changedEnvironment: { ...environment, TIMERS: 'sweep' },
    kept: [],
    // The second account does not exist: the scenarios look for the response to an unknown one.
    token: issuer.tokenFor({ accounts: ['demo', 'unknown'], scope }),
  };
};

/** Every stage, by its name. */
export const stagesOf = (klarnaUrl: string, issuer: TokenIssuer): readonly Stage[] => [
  defaultStage(klarnaUrl),
  apiStage(klarnaUrl, issuer),
];
