import type { IncomingHttpHeaders } from 'node:http';
import { decodeComponent } from '../shared/decode-component.ts';
import type { Caller } from './authorization.ts';
import type { Operation } from './faults.ts';

/** The meaning of a method and a path in Klarna's API. */
export type ApiRoute =
  | {
      readonly resource: 'payment-requests';
      readonly operation: Operation;
      /** The account on the acquiring partner's path; undefined on the direct path. */
      readonly account: string | undefined;
      /** Empty for `create`. */
      readonly id: string;
    }
  | {
      readonly resource: 'signing-keys' | 'webhooks';
      readonly operation: 'create' | 'list' | 'read' | 'change' | 'delete' | 'simulate';
      /** Empty for `create` and `list`. */
      readonly id: string;
    };

/** A checked call: its caller and path are known, and its body is readable. */
export interface ApiCall {
  readonly caller: Caller;
  /** The JSON object of the body; empty where there is none. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** A decoded path segment. One with a malformed encoding is taken as it is, and names nothing. */
export const decodedSegment = (segment: string): string => decodeComponent(segment) ?? segment;

const segmentOf = (segment: string | undefined): string | undefined =>
  segment === undefined ? undefined : decodedSegment(segment);

const paymentRequestsPath = /^\/v2(?:\/accounts\/([^/]+))?\/payment\/requests(?:\/([^/]+))?$/;
const notificationsPath = /^\/v2\/notification\/(signing-keys|webhooks)(?:\/([^/]+))?(\/simulate)?$/;

const itemOperations: Readonly<Record<string, Operation>> = {
  GET: 'read',
  DELETE: 'cancel',
  PATCH: 'patch',
  PUT: 'patch',
};

const notificationOperations = {
  POST: { one: undefined, all: 'create' },
  GET: { one: 'read', all: 'list' },
  PATCH: { one: 'change', all: undefined },
  DELETE: { one: 'delete', all: undefined },
} as const;

/** The meaning of a method and a path; `undefined` where they have none. */
export function routeOf(method: string, path: string): ApiRoute | undefined {
  const paymentRequests = paymentRequestsPath.exec(path);
  if (paymentRequests) {
    const account = segmentOf(paymentRequests[1]);
    const id = segmentOf(paymentRequests[2]) ?? '';
    const operation = id === '' ? (method === 'POST' ? 'create' : undefined) : itemOperations[method];
    return operation && { resource: 'payment-requests', operation, account, id };
  }
  const notifications = notificationsPath.exec(path);
  if (!notifications) return undefined;
  const resource = notifications[1] === 'webhooks' ? 'webhooks' : 'signing-keys';
  const id = segmentOf(notifications[2]) ?? '';
  if (notifications[3] !== undefined) {
    return method === 'POST' && resource === 'webhooks' ? { resource, operation: 'simulate', id } : undefined;
  }
  const operation = Object.hasOwn(notificationOperations, method)
    ? notificationOperations[method as keyof typeof notificationOperations][id === '' ? 'all' : 'one']
    : undefined;
  if (operation === undefined || (operation === 'change' && resource === 'signing-keys')) return undefined;
  return { resource, operation, id };
}

/** The value of a header; both values, joined, of one that came twice. */
export const headerOf = (headers: IncomingHttpHeaders, name: string): string | undefined =>
  headers[name]?.toString();
