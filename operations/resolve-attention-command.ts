import type { Attention } from '../functions/domain/attention.ts';
import type { PaymentRequestKey } from '../functions/domain/identifiers.ts';
import type { resolveAttention } from '../functions/application/resolve-attention.ts';
import type { CommandContext } from './command-context.ts';
import { attentionExplanations } from './explain-request.ts';
import type { Printer } from './printer.ts';
import { fullName, keyNamed } from './request-name.ts';
import { UsageError } from './usage-error.ts';

/** What takes a mark off a record. */
export interface ResolveOperations {
  readonly resolve: ReturnType<typeof resolveAttention>;
  /** The mark of a record; `undefined` where there is none, or no record. */
  readonly attentionOf: (key: PaymentRequestKey) => Promise<Attention | undefined>;
  /** Who runs the command. */
  readonly operator: () => Promise<string>;
}

/** Runs `lapse attention resolve`. */
export async function resolveNamed(
  context: CommandContext,
  name: string,
  { note, kind }: { readonly note: string; readonly kind?: Attention | undefined },
): Promise<void> {
  const asked = { key: keyNamed(fullName(context, name)), note: noteOf(note), kind };
  if (!(await resolveMark(await context.operations(), asked, context))) context.fail();
}

/** Bytes of the longest note: an entry of a history holds no longer text. */
const longestNote = 120;

function noteOf(given: string): string {
  const note = given.trim();
  const bytes = Buffer.byteLength(note);
  if (note !== '' && bytes <= longestNote && !/\p{Cc}/u.test(note)) return note;
  throw new UsageError(`--note has ${bytes} bytes; allowed: one line of 1 to ${longestNote} bytes.`);
}

/** Whether this version knows the mark: newer code may set others. */
export const isKnown = (attention: Attention): boolean => Object.hasOwn(attentionExplanations, attention);

/** What a person asks for. */
export interface AskedResolution {
  readonly key: PaymentRequestKey;
  readonly note: string;
  readonly kind: Attention | undefined;
}

/**
 * Takes the mark off that the record has now, after the person has agreed. A record that gets another mark meanwhile keeps it. Returns
 * whether the record has no mark.
 */
export async function resolveMark(
  { resolve, attentionOf, operator }: ResolveOperations,
  { key, note, kind }: AskedResolution,
  { print, isDryRun, confirm }: Pick<CommandContext, 'isDryRun' | 'confirm'> & { readonly print: Printer },
): Promise<boolean> {
  const name = `${key.account}/${key.paymentRequestId}`;
  const show = (result: string, words: string, attention?: Attention): void =>
    print.result({ name, result, attention, note }, `${name}: ${words}`);
  const attention = await attentionOf(key);
  if (attention === undefined) {
    show('none', 'there is nothing to resolve.');
    return true;
  }
  if (!isKnown(attention)) {
    show('other', `its mark ${attention} is new to this version. A newer version explains it.`, attention);
    return false;
  }
  if (kind !== undefined && kind !== attention) {
    show('other', `its mark is ${attention}, not ${kind}. Nothing was done.`, attention);
    return false;
  }
  if (isDryRun) {
    show('would_resolve', `the mark ${attention} would be taken off.`, attention);
    return true;
  }
  if (!(await confirm(`${name}: ${attentionExplanations[attention]}\nTake the mark ${attention} off?`))) {
    show('declined', 'nothing was done.', attention);
    return false;
  }
  const result = await resolve(key, { attention, by: await operator(), note });
  switch (result.kind) {
    case 'resolved':
      show('resolved', `the mark ${attention} is off, and the history says why.`, attention);
      return true;
    case 'none':
    case 'no_record':
      show('none', 'there is nothing to resolve any more.');
      return true;
    case 'other':
      show(
        'other',
        `it has the mark ${result.attention} now. Look at it, and run the command again.`,
        result.attention,
      );
      return false;
  }
}
