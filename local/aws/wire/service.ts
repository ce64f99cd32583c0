import type { actionNames } from './action-names.ts';

/** The services behind the one endpoint. */
export type ServiceName = keyof typeof actionNames;

/** The services that are served here. Calls to DynamoDB are forwarded. */
export type ServedName = Exclude<ServiceName, 'dynamodb'>;

/**
 * Serves one action: takes the parsed and otherwise unchecked input, and returns the output. Throws a `ServiceError` to
 * refuse. The signal aborts when the caller disconnects or the server closes.
 */
export type Action = (input: unknown, signal: AbortSignal) => object | Promise<object>;

/** Every action of a service. */
export type ActionsOf<Service extends ServedName> = Readonly<
  Record<(typeof actionNames)[Service][number], Action>
>;
