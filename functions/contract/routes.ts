import type { FunctionName } from './function-name.ts';

/**
 * What a caller may do. A policy and a token's claim can allow each apart.
 * - `read`: records, sessions, lists and the progress of jobs. `register`: sessions and their deadlines. `cancel`: one Payment
 *   Request, or those of a session or a reference. `cancel-jobs`: many at once. These are what a shop needs.
 * - `settings`: how every session of the account ends. `admin`: what is open, late or wrong over all accounts. They are the operator's.
 */
export type ApiAction = 'read' | 'register' | 'cancel' | 'cancel-jobs' | 'settings' | 'admin';

/** What a caller may do that says nothing: what a shop needs. */
export const shopActions: readonly ApiAction[] = ['read', 'register', 'cancel', 'cancel-jobs'];

/** Every action for an account. */
export const apiActions: readonly ApiAction[] = [...shopActions, 'settings'];

interface ServedRoute {
  /** The function that serves it. */
  readonly by: FunctionName;
  readonly permission: ApiAction;
}

const register = { by: 'register-payment-request', permission: 'register' } as const;
const read = { by: 'get-payment-request', permission: 'read' } as const;
const cancel = { by: 'cancel-payment-request', permission: 'cancel' } as const;
const job = { by: 'cancel-payment-request', permission: 'cancel-jobs' } as const;

/**
 * Every route of the API, the function that serves it, and the permission that it needs. The stack makes the routes from this table,
 * each function is typed to serve all of its own, and unknown-route.ts compares a path with them.
 */
export const routes = {
  'PUT /accounts/{account}/payment-requests/{payment_request_id}': register,
  'PATCH /accounts/{account}/payment-requests/{payment_request_id}': register,
  'PUT /accounts/{account}/registrations': register,
  'GET /accounts/{account}/payment-requests/{payment_request_id}': read,
  'GET /accounts/{account}/payment-requests/{payment_request_id}/history': read,
  'DELETE /accounts/{account}/payment-requests/{payment_request_id}': cancel,
  'POST /accounts/{account}/payment-requests/{payment_request_id}/authorized': register,
  'GET /accounts/{account}/payment-requests': read,
  'GET /accounts/{account}/sessions/{session_id}': read,
  'DELETE /accounts/{account}/sessions/{session_id}': cancel,
  'POST /accounts/{account}/sessions/{session_id}/page-token': read,
  'PUT /accounts/{account}/references/{reference}': register,
  'GET /accounts/{account}/references/{reference}': read,
  'DELETE /accounts/{account}/references/{reference}': cancel,
  'PUT /accounts/{account}/cancel-jobs/{job_id}': job,
  'GET /accounts/{account}/cancel-jobs/{job_id}': read,
  'GET /accounts/{account}/cancel-jobs/{job_id}/report': read,
  'DELETE /accounts/{account}/cancel-jobs/{job_id}': job,
  'GET /accounts/{account}/cancel-jobs': read,
  'PUT /accounts/{account}/settings': { by: 'register-payment-request', permission: 'settings' },
  'GET /accounts/{account}/settings': { by: 'get-payment-request', permission: 'settings' },
  'GET /overview': { by: 'get-payment-request', permission: 'admin' },
  'GET /sweep-preview': { by: 'get-payment-request', permission: 'admin' },
} as const satisfies Readonly<
  Record<`${'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'} /${string}`, ServedRoute>
>;

/** A route's key as API Gateway writes it: method and path. */
export type Route = keyof typeof routes;

/** The routes that one function serves. */
export type RouteOf<Name extends FunctionName> = {
  [Key in Route]: (typeof routes)[Key]['by'] extends Name ? Key : never;
}[Route];

/** Those of them that are about one account. */
export type AccountRouteOf<Name extends FunctionName> = Extract<RouteOf<Name>, `${string}{account}${string}`>;

/** The keys of all routes, in the order of the table. */
export const routeKeys = Object.keys(routes) as readonly Route[];

/** The path by which a browser reads one session with a page token. */
export const pagePath = '/page/session';

/**
 * The routes for a browser: the call, and the preflight before it. They exist where the stack has `pageOrigins`. They have no
 * authorizer: get-payment-request serves them, and the page token says which session may be read.
 */
export const pageRouteKeys = [`GET ${pagePath}`, `OPTIONS ${pagePath}`] as const;

/** The key of a route for a browser. */
export type PageRoute = (typeof pageRouteKeys)[number];
