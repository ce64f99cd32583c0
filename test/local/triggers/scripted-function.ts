import type { InvocationResult, Invoke } from '../../../local/lambda/invoke.ts';

/** A function that responds as its script says, and records its events. */
export interface ScriptedFunction<Event> {
  readonly invoke: Invoke;
  readonly events: readonly Event[];
}

/** The script is called for each invocation. `undefined` means success. */
export function scriptedFunction<Event>(
  script: (
    event: Event,
    invocation: number,
  ) => InvocationResult | Promise<InvocationResult> | undefined = () => undefined,
): ScriptedFunction<Event> {
  const events: Event[] = [];
  return {
    events,
    invoke: async (payload) => {
      const event = payload as Event;
      events.push(event);
      return (await script(event, events.length)) ?? { kind: 'response', payload: null };
    },
  };
}

export const failed: InvocationResult = { kind: 'error', errorType: 'Error', errorMessage: 'no luck' };
export const throttled: InvocationResult = { kind: 'throttled' };

/** The response of a function with `ReportBatchItemFailures`. */
export function failures(...identifiers: readonly string[]): InvocationResult {
  return {
    kind: 'response',
    payload: { batchItemFailures: identifiers.map((itemIdentifier) => ({ itemIdentifier })) },
  };
}
