import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { FunctionName } from '../contract/function-name.ts';
import { type AccountRouteOf, type PageRoute, pageRouteKeys, type RouteOf } from '../contract/routes.ts';
import { apiHandler, type HeadersOf } from './api-handler.ts';
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
  Record<AccountRouteOf<Name>, RouteHandler<Account>>
>;

/** A handler for every route of a function that is over all accounts. */
export type OverallHandlers<Name extends FunctionName> = Readonly<
  Record<
    Exclude<RouteOf<Name>, AccountRouteOf<Name>>,
    (event: APIGatewayProxyEventV2) => Promise<HttpResponse>
  >
>;

/** A handler for every route without an authorizer, and the headers of every response to it. It checks the caller itself. */
export interface OpenRoutes {
  readonly handlers: Readonly<Record<PageRoute, (event: APIGatewayProxyEventV2) => Promise<HttpResponse>>>;
  readonly headersOf: HeadersOf;
  /** Whether the stack has these routes. */
  readonly isDeployed: boolean;
}

/**
 * The handler of a function behind the HTTP API. It finds the route, checks the path and the account, and serves the call. A call that no route
 * serves is a problem.
 *
 * @param served a handler for every route of the function.
 * @param accountOf returns the account of the path, or throws the problem to respond with.
 * @param overall a handler for every route of the function over all accounts. It checks the caller itself.
 * @param open what it serves without an authorizer.
 */
export function serveRoutes<Name extends FunctionName, Account>(
  served: RouteHandlers<Name, Account>,
  accountOf: (event: APIGatewayProxyEventV2) => Account | Promise<Account>,
  overall: OverallHandlers<Name>,
  open?: OpenRoutes,
) {
  const ofAll = new Map<string, (event: APIGatewayProxyEventV2) => Promise<HttpResponse>>(
    Object.entries({ ...overall, ...open?.handlers }),
  );
  const handlers = new Map<string, RouteHandler<Account>>(Object.entries(served));
  const headersOf: HeadersOf = (event) => (open && isOpen(event) ? open.headersOf(event) : {});
  return apiHandler(async (event) => {
    const serveAll = ofAll.get(event.routeKey);
    if (serveAll) {
      checkPath(event);
      return serveAll(event);
    }
    const serve = handlers.get(event.routeKey);
    if (!serve) throw unknownRoute(event, open?.isDeployed ? pageRouteKeys : []);
    checkPath(event);
    return serve(event, await accountOf(event));
  }, headersOf);
}

const isOpen = ({ routeKey }: APIGatewayProxyEventV2): boolean =>
  pageRouteKeys.some((route) => route === routeKey);
