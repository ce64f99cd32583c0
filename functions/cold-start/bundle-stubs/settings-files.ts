/**
 * Replaces `node:fs/promises` in the bundles. Only the SDK imports it there: it looks for settings files in the home directory, which
 * Lambda does not have. Node loads 13 modules of its own for it, and the SDK reads two files before its first request.
 */
export const readFile = (path: string): Promise<never> =>
  Promise.reject(new Error(`${path} is not read: the SDK takes its settings from the environment.`));
