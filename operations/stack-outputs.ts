import * as v from 'valibot';
import { recordOf } from '../functions/contract/record-of.ts';
import { UsageError } from './usage-error.ts';

const text = v.pipe(v.string(), v.minLength(1));

const days = v.pipe(v.string(), v.regex(/^[1-9]\d{0,3}$/), v.transform(Number));

const outputsSchema = v.object({
  ApiUrl: text,
  /** How a caller of the API proves who it is. `CUSTOM`: by an authorizer that Lapse does not know. */
  ApiAuthorization: v.picklist(['AWS_IAM', 'JWT', 'CUSTOM']),
  WebhookUrl: text,
  TableName: text,
  RetentionDays: days,
  /** For a tombstone. A stack without it keeps tombstones like records. */
  TombstoneRetentionDays: v.optional(days),
  EventBusName: text,
  /** The archives of the events, `<type>=<ARN>` each, where the stack keeps them; and the bus that they are replayed to. */
  EventArchives: v.optional(text),
  EventBusArn: v.optional(text),
  AccountsSecretName: text,
  SigningKeysSecretName: text,
  /** The secret with the keys of page tokens, where the stack has `pageOrigins`. */
  PageKeysSecretName: v.optional(text),
  CredentialsPrefix: text,
  /** The key of all secrets, where it is not that of the AWS account. */
  EncryptionKeyArn: v.optional(text),
  /** The addresses that the functions call, by environment, without a slash at the end. */
  KlarnaTestUrl: text,
  KlarnaLiveUrl: text,
  ScheduleGroupName: text,
  TimerQueueUrl: text,
  DeadTimersQueueUrl: text,
  UnpublishedEventsQueueUrl: text,
  SweepFailuresQueueUrl: text,
  /** The functions by their names in Lapse, such as `cancel-payment-request`. */
  FunctionNames: v.pipe(
    text,
    v.transform(
      (pairs): ReadonlyMap<string, string> =>
        new Map(
          pairs.split(' ').map((pair) => {
            const [name = '', deployed = ''] = pair.split('=');
            return [name, deployed] as const;
          }),
        ),
    ),
  ),
  /** The dimension of the metrics of this Lapse. */
  MetricsStack: text,
  /** The topic of the alarms. A local system has none. */
  AlarmTopicArn: v.optional(text),
  DashboardUrl: v.optional(text),
  /** The stage that the stack was deployed as. `local` for a local system. */
  Stage: v.optional(text),
  /** Only for a local system: the address of its AWS stand-ins, and their Region. */
  AwsEndpointUrl: v.optional(text),
  AwsRegion: v.optional(text),
});

/** The outputs of a stack that the commands work with. `Lapse.addOutputs` makes them. */
export type StackOutputs = v.InferOutput<typeof outputsSchema>;

/** The outputs as CloudFormation, the CDK and the control address give them: names and values. */
export type RawOutputs = Readonly<Record<string, unknown>>;

/**
 * Reads the outputs of one Lapse.
 *
 * @param where the place that the outputs are from, for the error
 * @param prefix what the names of the outputs start with, where the stack has several Lapse
 * @throws {UsageError} that names the outputs that are missing
 */
export function parseOutputs(raw: RawOutputs, where: string, prefix = ''): StackOutputs {
  const own = Object.entries(raw)
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, value]) => [name.slice(prefix.length), value]);
  const outputs = v.safeParse(outputsSchema, Object.fromEntries(own));
  if (outputs.success) return outputs.output;
  const missing = outputs.issues.map((issue) => `${prefix}${v.getDotPath(issue) ?? '?'}`).join(', ');
  throw new UsageError(`${where} does not have the output ${missing}. Is it a stack of this version?`);
}

const stacksSchema = recordOf(v.string(), recordOf(v.string(), v.unknown()));

/**
 * The outputs of one stack among those of a file of `cdk deploy --outputs-file`, or of a control address.
 *
 * @throws {UsageError} where the content is something else, or does not name the stack
 */
export function outputsOfStack(content: unknown, where: string, stack?: string): RawOutputs {
  const stacks = v.safeParse(stacksSchema, content);
  if (!stacks.success) throw new UsageError(`${where} is not a file of cdk deploy --outputs-file.`);
  const names = Object.keys(stacks.output);
  const chosen = stack ?? (names.length === 1 ? names[0] : undefined);
  const outputs = chosen !== undefined && names.includes(chosen) ? stacks.output[chosen] : undefined;
  if (!outputs)
    throw new UsageError(`--stack is ${stack ?? 'missing'}; allowed: ${names.join(', ') || 'none'}.`);
  return outputs;
}
