import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { checkedJson, closedObject } from '../../local/shared/checked-json.ts';

/** A deployed stack as `TARGET` names it: the outputs of the stack, and an account of its secrets. See docs/get-started/deploy.md. */
const schema = closedObject({
  api: v.pipe(v.string(), v.url()),
  webhook: v.pipe(v.string(), v.url()),
  region: v.string(),
  account: v.string(),
  subject_account_id: v.string(),
  signing_key_id: v.string(),
  signing_key: v.string(),
  /** The Klarna simulator that the stack calls in Klarna's place. */
  klarna_simulator: v.exactOptional(v.pipe(v.string(), v.url())),
  /** A queue that gets every event of the stack's bus. */
  events_queue: v.exactOptional(v.pipe(v.string(), v.url())),
  /** A token for calls, where the stack takes JWTs instead of signatures. */
  bearer_token: v.exactOptional(v.string()),
});

/** Reads the file. What is wrong with it is one sentence, without what the file holds. */
export function readTargetFile(file: string): v.InferOutput<typeof schema> {
  const text = textOf(file);
  if (text === undefined) {
    throw new Error(
      `TARGET is ${JSON.stringify(file)}, which is not a file that can be read; docs/get-started/deploy.md says what to write in it.`,
    );
  }
  const json = checkedJson(schema, text);
  if ('value' in json) return json.value;
  throw new Error(`TARGET is ${JSON.stringify(file)}, and in it: ${json.violation}`);
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
