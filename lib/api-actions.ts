import { type ApiAction, routeKeys, routes } from '../functions/contract/routes.ts';

/**
 * The routes of some actions for one account or for a pattern of accounts, as method and path of an IAM policy. `*` is any text. A
 * resource of which everything is allowed is one entry.
 */
export function routesOf(
  account: string,
  actions: readonly ApiAction[],
): readonly (readonly [method: string, path: string])[] {
  const byResource = Map.groupBy(
    routeKeys.filter((route) => route.includes('{account}')),
    (route) => route.split('/')[3] ?? '',
  );
  return [...byResource].flatMap(([resource, keys]) => {
    const allowed = keys.filter((key) => actions.includes(routes[key].permission));
    if (allowed.length === keys.length) return [['*', `/accounts/${account}/${resource}*`] as const];
    return allowed.map((key) => {
      const [method = '', path = ''] = key.split(' ');
      return [method, path.replace('{account}', account).replaceAll(/\{\w+\}/g, '*')] as const;
    });
  });
}
