import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';

/**
 * The secret with the keys of page tokens, as CloudFormation generates it: once, and kept with the data. So tokens stay valid when the
 * system starts again on the same data.
 */
export async function openPageKeys(file: string): Promise<() => string> {
  const kept = await readFile(file, 'utf8').catch(() => undefined);
  const text = kept ?? JSON.stringify({ current: randomBytes(32).toString('hex') });
  if (kept === undefined) await writeFile(file, text, { mode: 0o600 });
  return () => text;
}
