import { parsePageKeys } from '../../functions/adapters/secrets/secret-page-keys.ts';
import { formatInstant, instantFromMillis, millisOf, parseInstant } from '../../functions/domain/instant.ts';
import { pageTokenMillis } from '../../functions/domain/page-token.ts';
import type { EditableSecret, SecretEditor } from '../secrets/secret-editor.ts';

/** The secret with the keys, and what a rotation needs. */
export interface PageKeysToRotate {
  readonly editor: SecretEditor;
  readonly secret: EditableSecret;
  readonly isDryRun: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** A random text of at least 256 bits. */
  readonly newKey: () => string;
}

/** What became of a rotation. */
export interface PageKeyRotation {
  readonly outcome: 'rotated' | 'would_rotate' | 'rotated_by_another' | 'declined';
  /** When the keys were rotated last; `undefined` if never. */
  readonly rotatedAt: string | undefined;
}

/**
 * Makes a new key. The current one becomes the previous one, whose tokens stay valid. Asks before it removes a key that has signed
 * tokens which can still be valid. Two rotations at once are one.
 */
export async function rotatePageKeys(
  { editor, secret, isDryRun, now, newKey }: PageKeysToRotate,
  confirm: (question: string) => Promise<boolean>,
): Promise<PageKeyRotation> {
  const { current, previous, rotated_at: before } = parsePageKeys(await editor.read(secret));
  const isInUse = previous !== undefined && mayHaveTokens(before, now());
  if (isInUse && !isDryRun && !(await confirm(questionAbout(before))))
    return { outcome: 'declined', rotatedAt: before };
  const key = newKey();
  const rotatedAt = formatInstant(instantFromMillis(now()));
  const rotated = { current: key, previous: current, rotated_at: rotatedAt };
  // Applied again to what another command has written, it must not remove one key more.
  const { entries } = await editor.edit(secret, (known) =>
    parsePageKeys(known).current === current ? rotated : known,
  );
  if (isDryRun) return { outcome: 'would_rotate', rotatedAt: before };
  const written = parsePageKeys(entries);
  return written.current === key
    ? { outcome: 'rotated', rotatedAt }
    : { outcome: 'rotated_by_another', rotatedAt: written.rotated_at };
}

/** Whether a token of the previous key may not have expired yet. A time that is missing says nothing. */
function mayHaveTokens(rotatedAt: string | undefined, now: number): boolean {
  const at = parseInstant(rotatedAt ?? '');
  return at === undefined || now - millisOf(at) < pageTokenMillis.longest;
}

const questionAbout = (rotatedAt: string | undefined): string =>
  `The keys were rotated ${rotatedAt === undefined ? 'before' : `at ${rotatedAt}`}. Tokens from before that stop being valid now. Go on?`;
