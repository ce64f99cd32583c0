import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { FunctionName } from '../contract/function-name.ts';
import type { RouteOf } from '../contract/routes.ts';
import { apiHandler } from './api-handler.ts';
import { checkPath } from './parse-request.ts';
import type { HttpResponse } from './response.ts';
import { unknownRoute } from './unknown-route.ts';

/** Serves one route. `Account` is what it knows of the account in the path: the name, or the settings. */
export type RouteHandler<Account> = (
  event: APIGatewayProxyEventV2,
  account: Account,
) => Promise<HttpResponse>;

/** A handler for every route that a function serves. */
export type RouteHandlers<Name extends FunctionName, Account> = Readonly<
  Record<RouteOf<Name>, RouteHandler<Account>>
>;

/**
 * The handler of a function behind the HTTP API. It finds the route, checks the path and the account, and serves the call. A call that no route
 * serves is a problem.
 *
 * @param served a handler for every route of the function.
 * @param accountOf returns the account of the path, or throws the problem to respond with.
 */
export function serveRoutes<Name extends FunctionName, Account>(
  served: RouteHandlers<Name, Account>,
  accountOf: (event: APIGatewayProxyEventV2) => Account | Promise<Account>,
) {
  const handlers = new Map<string, RouteHandler<Account>>(Object.entries(served));
  return apiHandler(async (event) => {
    const serve = handlers.get(event.routeKey);
    if (!serve) throw unknownRoute(event);
    checkPath(event);
    return serve(event, await accountOf(event));
  });
}
