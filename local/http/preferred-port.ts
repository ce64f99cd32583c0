import type { Listening } from './start-listening.ts';

/**
 * Listens at the preferred port where it is free, and at any free port otherwise, without waiting. For servers whose
 * port nothing relies on.
 */
export async function startAtPreferredPort(
  preferred: number,
  start: (port: number, waitLimitMillis: number) => Promise<Listening>,
): Promise<Listening> {
  try {
    return await start(preferred, 0);
  } catch {
    return start(0, 0);
  }
}
