import type { FunctionName } from './function-name.ts';

/**
 * Every route of the API, and the function that serves it. The stack makes the routes from this table, each function is typed to
 * serve all of its own, and unknown-route.ts compares a path with them.
 */
export const routes = {
  'PUT /accounts/{account}/payment-requests/{payment_request_id}': 'register-payment-request',
  'PATCH /accounts/{account}/payment-requests/{payment_request_id}': 'register-payment-request',
  'GET /accounts/{account}/payment-requests/{payment_request_id}': 'get-payment-request',
  'GET /accounts/{account}/payment-requests/{payment_request_id}/history': 'get-payment-request',
  'DELETE /accounts/{account}/payment-requests/{payment_request_id}': 'cancel-payment-request',
  'GET /accounts/{account}/payment-requests': 'get-payment-request',
  'GET /accounts/{account}/sessions/{session_id}': 'get-payment-request',
  'DELETE /accounts/{account}/sessions/{session_id}': 'cancel-payment-request',
  'PUT /accounts/{account}/cancel-jobs/{job_id}': 'cancel-payment-request',
  'GET /accounts/{account}/cancel-jobs/{job_id}': 'get-payment-request',
  'GET /accounts/{account}/cancel-jobs/{job_id}/report': 'get-payment-request',
  'DELETE /accounts/{account}/cancel-jobs/{job_id}': 'cancel-payment-request',
  'GET /accounts/{account}/cancel-jobs': 'get-payment-request',
} as const satisfies Readonly<Record<`${'GET' | 'PUT' | 'PATCH' | 'DELETE'} /${string}`, FunctionName>>;

/** A route's key as API Gateway writes it: method and path. */
export type Route = keyof typeof routes;

/** The routes that one function serves. */
export type RouteOf<Name extends FunctionName> = {
  [Key in Route]: (typeof routes)[Key] extends Name ? Key : never;
}[Route];

/** The keys of all routes, in the order of the table. */
export const routeKeys = Object.keys(routes) as readonly Route[];
