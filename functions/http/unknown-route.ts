import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { type PageRoute, routeKeys } from '../contract/routes.ts';
import { listed } from './parse-request.ts';
import { type FieldError, Problem, shown } from './problem.ts';

/**
 * The problem of a call that no route serves: 405 for a path that has other methods, else 404.
 *
 * @param open the keys of routes without an authorizer that the stack has.
 */
export function unknownRoute(
  { rawPath, requestContext }: APIGatewayProxyEventV2,
  open: readonly PageRoute[] = [],
): Problem {
  const allow = methodsOf(rawPath, [...routeKeys, ...open]);
  if (allow.length === 0) {
    const allowed = 'a path of docs/api.yaml; an id is not empty and has no slash';
    return new Problem('unknown-route', saying({ field: 'path', given: shown(rawPath), allowed }));
  }
  const { method: given } = requestContext.http;
  const error = { field: 'method', given, allowed: listed(allow) };
  return new Problem('method-not-allowed', { ...saying(error), allow });
}

const saying = (error: FieldError) => ({
  detail: `${error.field} is ${error.given}; allowed: ${error.allowed}.`,
  errors: [error],
});

/** The methods of a path, in the order of the route table; none if there is no such path. */
function methodsOf(path: string, keys: readonly string[]): readonly string[] {
  const segments = path.split('/');
  return keys.flatMap((key) => {
    const [method = '', route = ''] = key.split(' ');
    return fits(route.split('/'), segments) ? [method] : [];
  });
}

/** Whether a path fits a route: each parameter stands for one segment that is not empty. */
const fits = (route: readonly string[], segments: readonly string[]): boolean =>
  route.length === segments.length &&
  route.every((part, index) => (part.startsWith('{') ? segments[index] !== '' : part === segments[index]));
