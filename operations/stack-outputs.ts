import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { readJson } from '../functions/contract/read-json.ts';

const name = v.pipe(v.string(), v.minLength(1));

const outputsSchema = v.object({
  ApiUrl: name,
  TableName: name,
  RetentionDays: v.pipe(v.string(), v.regex(/^[1-9]\d{0,3}$/), v.transform(Number)),
  EventBusName: name,
  SigningKeysSecretName: name,
  TimerQueueUrl: name,
  DeadTimersQueueUrl: name,
  UnpublishedEventsQueueUrl: name,
  /** Only for a local system: the address of its AWS stand-ins. */
  AwsEndpointUrl: v.optional(name),
  AwsRegion: v.optional(name),
});

/** The outputs of a stack that an operator works with. */
export type StackOutputs = v.InferOutput<typeof outputsSchema>;

/**
 * Reads the file of `cdk deploy --outputs-file`, or the outputs that a local system's control address serves. Throws a
 * sentence that says what is missing.
 *
 * @param stack the stack's name, where the file has more than one
 * @param prefix what the names of the outputs start with, where the stack has several Lapse
 */
export async function readOutputs(
  source: { readonly file: string } | { readonly control: string },
  stack?: string,
  prefix = '',
): Promise<StackOutputs> {
  const where = 'file' in source ? source.file : `${source.control}/outputs`;
  const text = 'file' in source ? await readFile(source.file, 'utf8') : await (await fetch(where)).text();
  const stacks = v.safeParse(v.record(v.string(), v.unknown()), readJson(text));
  if (!stacks.success) throw new Error(`${where} is not a file of cdk deploy --outputs-file.`);
  const names = Object.keys(stacks.output);
  const [only] = names;
  const chosen = stack ?? (names.length === 1 ? only : undefined);
  if (chosen === undefined || !names.includes(chosen)) {
    throw new Error(`--stack is ${stack ?? 'missing'}; allowed: ${names.join(', ')}.`);
  }
  const outputs = v.safeParse(outputsSchema, withoutPrefix(stacks.output[chosen], prefix));
  if (outputs.success) return outputs.output;
  const missing = outputs.issues.map((issue) => `${prefix}${v.getDotPath(issue) ?? '?'}`).join(', ');
  throw new Error(
    `${where}: the stack ${chosen} does not have the output ${missing}. Is it a stack of this version?`,
  );
}

const withoutPrefix = (outputs: unknown, prefix: string): unknown =>
  Object.fromEntries(
    Object.entries(outputs ?? {})
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value as unknown]),
  );
