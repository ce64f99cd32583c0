import * as v from 'valibot';
import type { LambdaFunction } from './lambda-function.ts';

/** A fault as a request names it, without its target. */
export const faultSchema = v.strictObject({
  kind: v.picklist(['kill', 'throttle']),
  function: v.optional(v.string()),
});

/**
 * Injects a fault into one function, or into all. `kill` ends their processes with SIGKILL, so running invocations
 * fail; the response counts the processes. `throttle` throttles every call until the faults are cleared.
 */
export function injectFunctionFault(
  functions: readonly LambdaFunction[],
  fault: Readonly<Record<string, unknown>>,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const names = functions.map(({ name }) => name);
  const parsed = v.safeParse(faultSchema, fault);
  const wanted = parsed.success ? parsed.output.function : undefined;
  if (!parsed.success || (wanted !== undefined && !names.includes(wanted))) {
    return Promise.resolve({
      status: 400,
      body: {
        error: `A fault of the target lambda has the kind "kill" or "throttle" and, optionally, one function: ${names.join(', ')}.`,
      },
    });
  }
  const struck = functions.filter(({ name }) => wanted === undefined || name === wanted);
  if (parsed.output.kind === 'throttle') {
    for (const each of struck) each.throttle(true);
    return Promise.resolve({ status: 201, body: { throttled: struck.length } });
  }
  return Promise.resolve({
    status: 201,
    body: { killed: struck.reduce((sum, each) => sum + each.kill(), 0) },
  });
}
