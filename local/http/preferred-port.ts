import type { Listening } from './start-listening.ts';

/**
 * Listens at the usual port where nobody else does, and else at a free one: for what nobody relies on by its port, so that
 * somebody else's having it is no reason to fail, nor to wait.
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
