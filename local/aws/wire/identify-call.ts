import type { IncomingMessage } from 'node:http';
import { decodeComponent } from '../../shared/decode-component.ts';
import type { ServiceName } from './service.ts';

/** The action that a request asks for, and the part of its input that is in the URL. */
export interface IdentifiedCall {
  readonly service: ServiceName;
  readonly action: string;
  /** Members of the input in the path and the query. */
  readonly urlMembers: Readonly<Record<string, string>>;
}

/** The services that name the action in the header `X-Amz-Target`. */
const servicesByPrefix = new Map<string, ServiceName>([
  ['AmazonSQS', 'sqs'],
  ['AWSEvents', 'eventbridge'],
  ['secretsmanager', 'secretsmanager'],
  ['DynamoDB_20120810', 'dynamodb'],
  ['DynamoDBStreams_20120810', 'dynamodb'],
]);

/** The REST binding of Scheduler. */
const scheduleActions = new Map([
  ['POST', 'CreateSchedule'],
  ['GET', 'GetSchedule'],
  ['PUT', 'UpdateSchedule'],
  ['DELETE', 'DeleteSchedule'],
]);

/** Identifies the action of a request; `undefined` where it is not a call to any of the services. */
export function identifyCall(request: IncomingMessage): IdentifiedCall | undefined {
  const target = request.headers['x-amz-target'];
  return typeof target === 'string' ? identifyTarget(target) : identifySchedulerCall(request);
}

function identifyTarget(target: string): IdentifiedCall | undefined {
  const dot = target.indexOf('.');
  const service = servicesByPrefix.get(target.slice(0, dot));
  return service && { service, action: target.slice(dot + 1), urlMembers: {} };
}

function identifySchedulerCall({ method = '', url = '' }: IncomingMessage): IdentifiedCall | undefined {
  if (!URL.canParse(url, 'http://localhost')) return undefined;
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const [, resource, encodedName, ...further] = pathname.split('/');
  if (resource !== 'schedules' || further.length > 0) return undefined;
  if (encodedName === undefined || encodedName === '') return undefined;
  const query = Object.fromEntries(searchParams);
  const action = scheduleActions.get(method);
  const name = decodeComponent(encodedName);
  const { groupName } = query;
  return action === undefined || name === undefined
    ? undefined
    : {
        service: 'scheduler',
        action,
        urlMembers: { Name: name, ...(groupName !== undefined && { GroupName: groupName }) },
      };
}
