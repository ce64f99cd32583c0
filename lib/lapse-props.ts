import type { IHttpRouteAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { FunctionName } from '../functions/contract/environment.ts';
import type { LapseSettings } from './lapse-settings.ts';

/** Your own resources for Lapse to use, and its settings. All are optional: what is not given is created. */
export interface LapseProps extends LapseSettings {
  /**
   * A table with the keys and indexes of `tableSchema` and a stream of new and old images.
   * @default - a new table, which stays when the stack is deleted
   */
  readonly table?: ITable;
  /**
   * The bus that events are published on.
   * @default - a new bus
   */
  readonly bus?: IEventBus;
  /**
   * A key that encrypts the table, the queues and the secrets.
   * @default - keys that AWS owns and manages
   */
  readonly encryptionKey?: IKey;
  /**
   * The topic that every alarm notifies. The policy of an imported topic must allow `cloudwatch.amazonaws.com` to publish.
   * @default - a new topic without subscriptions: subscribe to it
   */
  readonly alarmTopic?: ITopic;
  /**
   * Decides who may call the API.
   * @default - JWTs where `jwtIssuer` is given, else IAM
   */
  readonly authorizer?: IHttpRouteAuthorizer;
  /**
   * The folder of each function's bundle.
   * @default - the bundles in the package
   */
  readonly bundles?: Readonly<Record<FunctionName, string>>;
}
