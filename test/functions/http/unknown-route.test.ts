import { describe, expect, it } from 'vitest';
import { pageRouteKeys, routeKeys } from '../../../functions/contract/routes.ts';
import { problemResponse } from '../../../functions/http/problem.ts';
import { unknownRoute } from '../../../functions/http/unknown-route.ts';
import { apiEvent } from '../../support/lambda-events.ts';

const responseTo = (method: string, path: string) =>
  problemResponse(unknownRoute(apiEvent({ method, path })));

/** A path that fits a route. */
const pathOf = (route: string): string => route.replace(/^\w+ /, '').replaceAll(/\{\w+\}/g, 'x');

describe('unknownRoute, for a path that no route has', () => {
  it('an unknown path is a 404 that names the path', () => {
    const response = responseTo('POST', '/accounts/shop-se/nothing');
    expect(response.statusCode).toBe(404);
    expect(response.headers).not.toHaveProperty('allow');
    expect(JSON.parse(response.body)).toMatchObject({
      type: 'urn:lapse:problem:unknown-route',
      detail:
        'path is "/accounts/shop-se/nothing"; allowed: a path of docs/api.yaml; an id is not empty and has no slash.',
      field: 'path',
    });
  });

  it.each([
    '/',
    '',
    '/accounts',
    '/accounts/shop-se',
    '/accounts//payment-requests',
    '/accounts/shop-se/payment-requests/',
    '/accounts/shop-se/sessions/cart/17',
    '/accounts/shop-se/payment-requests/x/history/',
    '/prefix/accounts/shop-se/payment-requests',
  ])('a path that is almost a route is a 404: %s', (path) => {
    expect(responseTo('GET', path).statusCode).toBe(404);
  });

  it('an unknown path is not quoted at length', () => {
    expect(responseTo('GET', `/${'x'.repeat(10_000)}`).body.length).toBeLessThan(1_000);
  });
});

describe('unknownRoute, for a method that the path does not have', () => {
  it.each(['POST', 'HEAD', 'OPTIONS', 'TRACE', 'BREW'])('an unsupported method is a 405 on %s', (method) => {
    for (const key of routeKeys) {
      const path = pathOf(key);
      const response = responseTo(method, path);
      const methods = routeKeys.flatMap((each) => (pathOf(each) === path ? [each.replace(/ .*/, '')] : []));
      expect(response.statusCode).toBe(405);
      expect(response.headers['allow']).toBe(methods.join(', '));
    }
  });

  it.each(['POST', 'DELETE', 'PATCH', 'HEAD'])(
    '%s on the path of pages is a 405 in a stack with pages',
    (method) => {
      const event = apiEvent({ method, path: '/page/session' });
      const response = problemResponse(unknownRoute(event, pageRouteKeys));
      expect([response.statusCode, response.headers['allow']]).toEqual([405, 'GET, OPTIONS']);
      expect(problemResponse(unknownRoute(event)).statusCode).toBe(404);
    },
  );

  it('the 405 names the given method and the methods of the path', () => {
    const { body } = responseTo('POST', '/accounts/shop-se/payment-requests/some-id');
    expect(JSON.parse(body)).toMatchObject({
      type: 'urn:lapse:problem:method-not-allowed',
      detail: 'method is POST; allowed: PUT, PATCH, GET or DELETE.',
      field: 'method',
      given: 'POST',
      allowed: 'PUT, PATCH, GET or DELETE',
    });
  });

  it('the 405 of a path with a single method names that method', () => {
    expect(JSON.parse(responseTo('DELETE', '/accounts/shop-se/cancel-jobs').body)).toMatchObject({
      detail: 'method is DELETE; allowed: GET.',
    });
  });
});
