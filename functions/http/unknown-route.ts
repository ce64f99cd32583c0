import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { routeKeys } from '../contract/routes.ts';
import { Problem, shown } from './problem.ts';

/** A path or a method that is not served: which, and which are. */
export function unknownRoute({ rawPath, requestContext }: APIGatewayProxyEventV2): Problem {
  const given = `${requestContext.http.method} ${shown(rawPath)}`;
  const allowed = `${routeKeys.join(', ')}; an id has no slash`;
  return new Problem('unknown-route', {
    detail: `path is ${given}; allowed: ${allowed}.`,
    errors: [{ field: 'path', given, allowed }],
  });
}
