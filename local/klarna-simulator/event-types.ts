import { states } from './state-machine.ts';

const stateChange = 'payment.request.state-change.';

/** The type of the event that a payment was authorized. */
export const authorizedType = 'payment.transaction.state-change.authorized';

/** Every type of event that Klarna sends about Payment Requests. */
export const eventTypes: readonly string[] = [
  ...states.map((state) => stateChangeType(state)),
  'payment.request.updated',
];

/** Every type that a test delivery can have. Klarna has more families; these two are those that Lapse subscribes. */
export const simulatedTypes: readonly string[] = [
  ...eventTypes,
  'payment.transaction.state-change.authorized',
];

/** The type of the event for a change to a state. */
export function stateChangeType(state: string): string {
  return `${stateChange}${state.toLowerCase().replaceAll('_', '-')}`;
}

/** A type, or a pattern that ends in a wildcard, such as `payment.*`. */
export const eventTypePattern = /^[a-z][a-z0-9-]*(\.[a-z0-9-]+)*(\.\*)?$/;

/** Whether a subscription to these types includes the type. */
export const isSubscribed = (subscribed: readonly string[], type: string): boolean =>
  subscribed.some((pattern) =>
    pattern.endsWith('.*') ? type.startsWith(pattern.slice(0, -1)) : pattern === type,
  );
