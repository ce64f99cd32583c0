import type { IHttpRouteAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2';
import type { ICertificate } from 'aws-cdk-lib/aws-certificatemanager';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IHostedZone } from 'aws-cdk-lib/aws-route53';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { FunctionName } from '../functions/contract/function-name.ts';
import type { LapseSettings } from './lapse-settings.ts';

/** Your own resources for Lapse to use, and its settings. All are optional: what is not given is created. */
export interface LapseProps extends LapseSettings {
  /**
   * A table with the keys and indexes of `tableSchema` and a stream of new images.
   * @default - a new table, which stays when the stack is deleted
   */
  readonly table?: ITable;
  /**
   * The bus that events are published on.
   * @default - a new bus
   */
  readonly bus?: IEventBus;
  /**
   * The secret with the Klarna accounts. Its own key, if it has one, must be part of the object.
   * @default - a new secret with an empty JSON object, for you to fill
   */
  readonly accountsSecret?: ISecret;
  /**
   * The secret with the keys that Klarna signs webhooks with, likewise.
   * @default - a new secret with an empty JSON object, for you to fill
   */
  readonly signingKeysSecret?: ISecret;
  /**
   * A key that encrypts what Lapse creates: the table, the queues, the secrets, the logs, the topic and the bus. The policy of an
   * imported key must allow the services `logs`, `events` and `cloudwatch` to use it.
   * @default - keys that AWS owns and manages
   */
  readonly encryptionKey?: IKey;
  /**
   * The topic that every alarm notifies. The policy of an imported topic must allow `cloudwatch.amazonaws.com` to publish.
   * @default - a new topic without subscriptions: subscribe to it
   */
  readonly alarmTopic?: ITopic;
  /**
   * The network that the functions run in, for example to call Klarna from fixed addresses (docs/guides/networking.md). Every function
   * needs a way to DynamoDB, Secrets Manager, SQS, Scheduler and EventBridge from there, and most need one to Klarna.
   * @default - the functions run in Lambda's own network
   */
  readonly vpc?: IVpc;
  /**
   * The subnets of `vpc` for the functions.
   * @default - the private subnets with a route to the internet
   */
  readonly vpcSubnets?: SubnetSelection;
  /**
   * The security groups of the functions in `vpc`.
   * @default - a new one that lets out HTTPS and lets in nothing
   */
  readonly securityGroups?: readonly ISecurityGroup[];
  /**
   * A domain of yours for the API. The address that AWS generates works as well.
   * @default - the address that AWS generates
   */
  readonly domain?: LapseDomain;
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

/** A domain of yours for the API. It maps to the root of the API, because paths decide who may call. */
export interface LapseDomain {
  /** The domain's name, such as `lapse.shop.example`. */
  readonly name: string;
  /** A certificate for the name, in the Region of the stack. */
  readonly certificate: ICertificate;
  /**
   * The zone that gets the records for the name.
   * @default - you create the records
   */
  readonly hostedZone?: IHostedZone;
}

/** The names of all properties. */
export const lapsePropNames: readonly string[] = Object.keys({
  table: true,
  bus: true,
  accountsSecret: true,
  signingKeysSecret: true,
  encryptionKey: true,
  alarmTopic: true,
  vpc: true,
  vpcSubnets: true,
  securityGroups: true,
  domain: true,
  authorizer: true,
  bundles: true,
  retentionDays: true,
  quarantineRetentionDays: true,
  jobRetentionDays: true,
  tombstoneRetentionDays: true,
  logRetentionDays: true,
  credentials: true,
  maxSession: true,
  observe: true,
  armedFrom: true,
  archiveDays: true,
  secretStaleMinutes: true,
  timers: true,
  webhookIngress: true,
  apiRateLimit: true,
  apiBurstLimit: true,
  pageOrigins: true,
  pageRateLimit: true,
  webhookConcurrency: true,
  timerConcurrency: true,
  cancelJobsPerSecond: true,
  maxWriteUnits: true,
  maxReadUnits: true,
  klarnaTestUrl: true,
  klarnaLiveUrl: true,
  removalPolicy: true,
  logLevel: true,
  tracing: true,
  alarms: true,
  dashboard: true,
  canary: true,
  jwtIssuer: true,
  jwtAudience: true,
  jwtScopes: true,
  alarmThresholds: true,
} satisfies Record<keyof LapseProps, true>);
