import type { RecordedCall } from '../../support/recorded-calls.ts';

/** What IAM is asked: may this principal do this to that. */
export interface IamRequest {
  /** The logical id of a role without its hash, a service such as `scheduler.amazonaws.com`, or `anonymous`. */
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  readonly context?: Readonly<Record<string, string>>;
}

/** The ARN of a resource in the account and Region that templates are resolved for. */
export const arn = (service: string, rest: string): string =>
  `arn:aws:${service}:eu-west-1:000000000000:${rest}`;

/** What IAM is asked for one call of a function. */
export function requestsOf({ action, parameters }: RecordedCall, principal: string): readonly IamRequest[] {
  const [service = '', verb = ''] = action.split('.');
  const read = readers[service];
  if (!read) throw new Error(`${action} is a call of a service that this test does not know.`);
  return read(verb, parameters).map((request) => ({ principal, ...request }));
}

type Parameters = RecordedCall['parameters'];
type Reader = (verb: string, parameters: Parameters) => readonly Omit<IamRequest, 'principal'>[];

const readers: Readonly<Record<string, Reader>> = {
  dynamodb: (verb, { TableName: table, IndexName: index, RequestItems: tables = [table] }) =>
    (tables as readonly string[]).map((each) => ({
      action: `dynamodb:${verb}`,
      resource: arn('dynamodb', `table/${each}${typeof index === 'string' ? `/index/${index}` : ''}`),
    })),
  sqs: (verb, { QueueUrl: queue }) => [{ action: `sqs:${verb}`, resource: arn('sqs', String(queue)) }],
  // A call may name a secret. Its ARN ends in six more characters.
  secretsmanager: (verb, { SecretId: secret }) => [
    {
      action: `secretsmanager:${verb}`,
      resource: String(secret).startsWith('arn:')
        ? String(secret)
        : arn('secretsmanager', `secret:${String(secret)}-A1b2C3`),
    },
  ],
  eventbridge: (verb, { Entries: buses }) =>
    (buses as readonly string[]).map((bus) => ({
      action: `events:${verb}`,
      resource: arn('events', `event-bus/${bus}`),
    })),
  scheduler: (verb, { GroupName: group, Target: target }) => [
    { action: `scheduler:${verb}`, resource: arn('scheduler', `schedule/${String(group)}/A-SCHEDULE`) },
    // A schedule with a role is made only by who may pass that role to Scheduler.
    ...(target === undefined
      ? []
      : [
          {
            action: 'iam:PassRole',
            resource: (target as { readonly RoleArn: string }).RoleArn,
            context: { 'iam:PassedToService': 'scheduler.amazonaws.com' },
          },
        ]),
  ],
};
