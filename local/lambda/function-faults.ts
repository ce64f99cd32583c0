import * as v from 'valibot';
import type { LambdaFunction } from './lambda-function.ts';

const faultSchema = v.strictObject({
  kind: v.literal('kill'),
  function: v.optional(v.string()),
});

/** Ends the processes of one function, or of all, with SIGKILL; what they were doing fails. Says how many processes ended. */
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
        error: `A fault of the target lambda has the kind "kill" and, if wanted, one function of: ${names.join(', ')}.`,
      },
    });
  }
  const killed = functions
    .filter(({ name }) => wanted === undefined || name === wanted)
    .reduce((sum, each) => sum + each.kill(), 0);
  return Promise.resolve({ status: 201, body: { killed } });
}
