import { describe, expect, it } from 'vitest';
import { problemResponse } from '../../../functions/http/problem.ts';
import { routeKeys } from '../../../functions/contract/routes.ts';
import { unknownRoute } from '../../../functions/http/unknown-route.ts';
import { apiEvent } from '../../support/lambda-events.ts';

describe('a route that is not served', () => {
  it('is 404, and says which was asked for and which there are', () => {
    const response = problemResponse(
      unknownRoute(apiEvent({ method: 'POST', path: '/accounts/shop-se/nothing' })),
    );
    expect(response.statusCode).toBe(404);
    expect(JSON.parse(response.body)).toMatchObject({
      type: 'urn:lapse:problem:unknown-route',
      field: 'path',
      given: 'POST "/accounts/shop-se/nothing"',
      allowed: `${routeKeys.join(', ')}; an id has no slash`,
    });
  });

  it('is not quoted at length', () => {
    const { details } = unknownRoute(apiEvent({ method: 'GET', path: `/${'x'.repeat(10_000)}` }));
    expect(JSON.stringify(details).length).toBeLessThan(2_000);
  });
});
