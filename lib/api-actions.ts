import { type Route, routeKeys, routes } from '../functions/contract/routes.ts';

/**
 * What a caller may do. `read`: records, sessions, lists and the progress of jobs. `register`: sessions and their deadlines. `cancel`:
 * one Payment Request or the session it belongs to. `cancel-jobs`: many at once.
 */
export type ApiAction = 'read' | 'register' | 'cancel' | 'cancel-jobs';

/** Every action. */
export const apiActions: readonly ApiAction[] = ['read', 'register', 'cancel', 'cancel-jobs'];

/** The action that a route belongs to: each belongs to one. */
export function actionOf(route: Route): ApiAction {
  switch (routes[route]) {
    case 'get-payment-request':
      return 'read';
    case 'register-payment-request':
      return 'register';
    case 'cancel-payment-request':
      return route.includes('/cancel-jobs/') ? 'cancel-jobs' : 'cancel';
  }
}

/** The routes of some actions for one account, as method and path of an IAM policy: `*` is any text. */
export const routesOf = (
  account: string,
  actions: readonly ApiAction[],
): readonly (readonly [string, string])[] =>
  routeKeys
    .filter((route) => actions.includes(actionOf(route)))
    .map((route) => {
      const [method = '', path = ''] = route.split(' ');
      return [method, path.replace('{account}', account).replaceAll(/\{\w+\}/g, '*')] as const;
    });
