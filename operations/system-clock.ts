import * as v from 'valibot';
import { readJson } from '../functions/contract/read-json.ts';

const clockSchema = v.object({ ahead_ms: v.number() });

/**
 * The clock of the system: that of this machine, or of a local system, whose time can be moved.
 *
 * @param control the control address of a local system
 * @returns milliseconds since 1970
 */
export async function clockOf(control: string | undefined): Promise<() => number> {
  if (control === undefined) return () => Date.now();
  const response = await fetch(`${control}/clock`);
  const clock = v.safeParse(clockSchema, readJson(await response.text()));
  const ahead = clock.success ? clock.output.ahead_ms : 0;
  return () => Date.now() + ahead;
}
