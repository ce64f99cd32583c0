import type { actionNames } from './action-names.ts';

/** The services behind the one endpoint. */
export type ServiceName = keyof typeof actionNames;

/** The services that are served here; calls to DynamoDB are passed on. */
export type ServedName = Exclude<ServiceName, 'dynamodb'>;

/**
 * Serves one action: from the input of the call, parsed and otherwise unchecked, to the object that is the answer.
 * Throws a `ServiceError` to refuse. The signal is aborted when the caller has gone or the server closes.
 */
export type Action = (input: unknown, signal: AbortSignal) => object | Promise<object>;

/** A service: each of its actions. */
export type ActionsOf<Service extends ServedName> = Readonly<
  Record<(typeof actionNames)[Service][number], Action>
>;
