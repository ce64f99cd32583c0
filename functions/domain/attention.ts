/**
 * Why a record needs a person.
 * - `contradiction`: Klarna told a second final state, or that the customer paid after the end.
 * - `canceled_after_completed`: we canceled the request although the customer had approved it.
 * - `not_found`: Klarna does not know the request, and its expiry has not passed.
 * - `paid_twice`: the customer approved another Payment Request of the same session too.
 * - `not_authorized`: the customer approved, and nothing told that the shop authorized the payment.
 * - `klarna_denied`: Klarna refuses our credentials. `unknown_state`: Klarna told a state that this version does not know.
 */
export type Attention =
  | 'contradiction'
  | 'canceled_after_completed'
  | 'paid_twice'
  | 'not_authorized'
  | 'not_found'
  | 'klarna_denied'
  | 'unknown_state';

/** The attention after the end of a request. Obstacles to the end are removed. Everything else stays for a person to see. */
export const attentionAfterEnd = (attention: Attention | undefined): Attention | undefined =>
  // Stryker disable next-line ConditionalExpression: only the compiler needs the check
  attention !== undefined && isObstacle(attention) ? undefined : attention;

/** Whether it keeps a request from its end. It goes with the obstacle, and comes back with it. */
export const isObstacle = (attention: Attention): boolean => obstacles.includes(attention);

/** The attention with an obstacle to the end of a request. What a person must see whatever becomes of it stays. */
export const attentionWith = (attention: Attention | undefined, obstacle: Attention): Attention =>
  attention !== undefined && !obstacles.includes(attention) ? attention : obstacle;

const obstacles: readonly Attention[] = ['not_found', 'klarna_denied', 'unknown_state'];
