import type { FunctionName } from './environment.ts';

/**
 * What a call does to an account, as a token's claim names it.
 * - `read`, `register`, `cancel`: what a checkout needs.
 * - `settings`: decides how every session of the account ends. It is the operator's.
 */
export type Permission = 'read' | 'register' | 'cancel' | 'settings';

interface ServedRoute {
  /** The function that serves it. */
  readonly by: FunctionName;
  readonly permission: Permission;
}

const register = { by: 'register-payment-request', permission: 'register' } as const;
const read = { by: 'get-payment-request', permission: 'read' } as const;
const cancel = { by: 'cancel-payment-request', permission: 'cancel' } as const;

/**
 * Every route of the API, the function that serves it, and the permission that it needs. The stack makes the routes from this table,
 * each function is typed to serve all of its own, and unknown-route.ts compares a path with them.
 */
export const routes = {
  'PUT /accounts/{account}/payment-requests/{payment_request_id}': register,
  'PATCH /accounts/{account}/payment-requests/{payment_request_id}': register,
  'GET /accounts/{account}/payment-requests/{payment_request_id}': read,
  'GET /accounts/{account}/payment-requests/{payment_request_id}/history': read,
  'DELETE /accounts/{account}/payment-requests/{payment_request_id}': cancel,
  'GET /accounts/{account}/payment-requests': read,
  'GET /accounts/{account}/sessions/{session_id}': read,
  'DELETE /accounts/{account}/sessions/{session_id}': cancel,
  'PUT /accounts/{account}/cancel-jobs/{job_id}': cancel,
  'GET /accounts/{account}/cancel-jobs/{job_id}': read,
  'GET /accounts/{account}/cancel-jobs/{job_id}/report': read,
  'DELETE /accounts/{account}/cancel-jobs/{job_id}': cancel,
  'GET /accounts/{account}/cancel-jobs': read,
  'PUT /accounts/{account}/settings': { by: 'register-payment-request', permission: 'settings' },
  'GET /accounts/{account}/settings': { by: 'get-payment-request', permission: 'settings' },
} as const satisfies Readonly<Record<`${'GET' | 'PUT' | 'PATCH' | 'DELETE'} /${string}`, ServedRoute>>;

/** A route's key as API Gateway writes it: method and path. */
export type Route = keyof typeof routes;

/** The routes that one function serves. */
export type RouteOf<Name extends FunctionName> = {
  [Key in Route]: (typeof routes)[Key]['by'] extends Name ? Key : never;
}[Route];

/** The keys of all routes, in the order of the table. */
export const routeKeys = Object.keys(routes) as readonly Route[];
