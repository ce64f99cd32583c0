import type { IncomingHttpHeaders } from 'node:http';
import { decodeComponent } from '../shared/decode-component.ts';
import type { Caller } from './caller.ts';
import type { Operation } from './faults.ts';

/** What an account manages at Klarna besides Payment Requests. */
export type ManagedResource =
  'signing-keys' | 'webhooks' | 'api-keys' | 'client-certificates' | 'enforcement' | 'allowed-addresses';

/** A call about a managed resource. */
export interface ManagementRoute {
  readonly resource: ManagedResource;
  readonly operation: ManagementOperation;
  /** Empty where the path names none. */
  readonly id: string;
}

type ManagementOperation =
  'create' | 'list' | 'read' | 'change' | 'delete' | 'simulate' | 'enforce' | 'release';

/** The meaning of a method and a path in Klarna's API. */
export type ApiRoute =
  | {
      readonly resource: 'payment-requests';
      readonly operation: Operation;
      /** The account on the acquiring partner's path; undefined on the direct path. */
      readonly account: string | undefined;
      /** Empty for `create` and `authorize`. */
      readonly id: string;
    }
  | ManagementRoute;

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
const authorizePath = /^\/v2(?:\/accounts\/([^/]+))?\/payment\/authorize$/;

const itemOperations: Readonly<Record<string, Operation>> = {
  GET: 'read',
  DELETE: 'cancel',
  PATCH: 'patch',
  PUT: 'patch',
};

type ByMethod = Readonly<Record<string, ManagementOperation>>;

/** The paths of the managed resources: the calls on the path itself, and those on a member of the collection. */
const managedPaths: readonly {
  readonly path: string;
  readonly resource: ManagedResource;
  readonly itself: ByMethod;
  readonly member?: ByMethod;
}[] = [
  {
    path: '/v2/notification/signing-keys',
    resource: 'signing-keys',
    itself: { POST: 'create', GET: 'list' },
    member: { GET: 'read', DELETE: 'delete' },
  },
  {
    path: '/v2/notification/webhooks',
    resource: 'webhooks',
    itself: { POST: 'create', GET: 'list' },
    member: { GET: 'read', PATCH: 'change', DELETE: 'delete' },
  },
  {
    path: '/v2/account/integration/credentials/api-key',
    resource: 'api-keys',
    itself: { POST: 'create', GET: 'list' },
    member: { GET: 'read', DELETE: 'delete' },
  },
  {
    path: '/v2/account/integration/credentials/client-certificate',
    resource: 'client-certificates',
    itself: { POST: 'create', GET: 'list' },
    member: { GET: 'read' },
  },
  {
    path: '/v2/account/integration/client-certificates/enforcement',
    resource: 'enforcement',
    itself: { GET: 'read', PUT: 'enforce', DELETE: 'release' },
  },
  {
    path: '/v2/account/integration/ip-restrictions/allowed-ips',
    resource: 'allowed-addresses',
    itself: { GET: 'list' },
  },
];

/** The meaning of a method and a path; `undefined` where they have none. */
export function routeOf(method: string, path: string): ApiRoute | undefined {
  const paymentRequests = paymentRequestsPath.exec(path);
  if (paymentRequests) {
    const account = segmentOf(paymentRequests[1]);
    const id = segmentOf(paymentRequests[2]) ?? '';
    const operation = id === '' ? (method === 'POST' ? 'create' : undefined) : itemOperations[method];
    return operation && { resource: 'payment-requests', operation, account, id };
  }
  const authorize = authorizePath.exec(path);
  if (!authorize) return managementRouteOf(method, path);
  return method === 'POST'
    ? {
        resource: 'payment-requests',
        operation: 'authorize',
        account: segmentOf(authorize[1]),
        id: '',
      }
    : undefined;
}

function managementRouteOf(method: string, path: string): ManagementRoute | undefined {
  const managed = managedPaths.find((each) => path === each.path || path.startsWith(`${each.path}/`));
  if (!managed) return undefined;
  const { resource, itself, member = {} } = managed;
  const [, segment, further, ...rest] = path.slice(managed.path.length).split('/');
  if (rest.length > 0 || segment === '') return undefined;
  const id = segmentOf(segment) ?? '';
  if (further !== undefined) {
    const isSimulate = resource === 'webhooks' && further === 'simulate' && method === 'POST';
    return isSimulate ? { resource, operation: 'simulate', id } : undefined;
  }
  const operations = segment === undefined ? itself : member;
  const operation = Object.hasOwn(operations, method) ? operations[method] : undefined;
  return operation && { resource, operation, id };
}

/** The value of a header; both values, joined, of one that came twice. */
export const headerOf = (headers: IncomingHttpHeaders, name: string): string | undefined =>
  headers[name]?.toString();
