import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { Problem, shown } from './problem.ts';

/** Every route there is, as the answer to one that is not lists them; a test holds them against the stack. */
export const apiRoutes = [
  'PUT /accounts/{account}/payment-requests/{payment_request_id}',
  'PATCH /accounts/{account}/payment-requests/{payment_request_id}',
  'GET /accounts/{account}/payment-requests/{payment_request_id}',
  'GET /accounts/{account}/payment-requests/{payment_request_id}/history',
  'DELETE /accounts/{account}/payment-requests/{payment_request_id}',
  'GET /accounts/{account}/payment-requests',
  'GET /accounts/{account}/sessions/{session_id}',
  'DELETE /accounts/{account}/sessions/{session_id}',
  'PUT /accounts/{account}/cancel-jobs/{job_id}',
  'GET /accounts/{account}/cancel-jobs/{job_id}',
  'GET /accounts/{account}/cancel-jobs/{job_id}/report',
  'DELETE /accounts/{account}/cancel-jobs/{job_id}',
  'GET /accounts/{account}/cancel-jobs',
] as const;

/** A path or a method that is not served: which, and which are. */
export function unknownRoute({ rawPath, requestContext }: APIGatewayProxyEventV2): Problem {
  const given = `${requestContext.http.method} ${shown(rawPath)}`;
  const allowed = `${apiRoutes.join(', ')}; an id has no slash`;
  return new Problem('unknown-route', {
    detail: `path is ${given}; allowed: ${allowed}.`,
    errors: [{ field: 'path', given, allowed }],
  });
}
