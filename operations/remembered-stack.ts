import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { recordOf } from '../functions/contract/record-of.ts';
import { readJson } from '../functions/contract/read-json.ts';
import { UsageError } from './usage-error.ts';

const rememberedSchema = v.object({
  stack: v.string(),
  region: v.string(),
  profile: v.optional(v.string()),
  outputs: recordOf(v.string(), v.unknown()),
});

/** The stack that `lapse deploy` deployed from this folder. It holds names and addresses, and no secret. */
export type RememberedStack = v.InferOutput<typeof rememberedSchema>;

const fileIn = (folder: string): string => join(folder, '.lapse', 'stack.json');

/** Remembers the stack for the next commands in this folder. */
export async function rememberStack(folder: string, stack: RememberedStack): Promise<void> {
  const file = fileIn(folder);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(stack, undefined, 2)}\n`);
}

/**
 * The remembered stack of this folder; `undefined` where there is none.
 *
 * @throws {UsageError} where the file cannot be read
 */
export async function recallStack(folder: string): Promise<RememberedStack | undefined> {
  const file = fileIn(folder);
  const content = await readFile(file, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (content === undefined) return undefined;
  const remembered = v.safeParse(rememberedSchema, readJson(content));
  if (!remembered.success)
    throw new UsageError(`${file} is damaged. Run \`lapse deploy\` again, or give --stack and --region.`);
  return remembered.output;
}
