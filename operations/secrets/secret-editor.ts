import { isDeepStrictEqual } from 'node:util';
import type { Ids } from '../../functions/application/ports.ts';
import { readJson } from '../../functions/contract/read-json.ts';
import { ConfigurationError } from '../../functions/domain/configuration-error.ts';
import { diffOf, type Entries, isEntries } from './secret-diff.ts';
import type { SecretKind } from './secret-kinds.ts';
import type { SecretDescription, SecretStore, SecretValue } from './secret-store.ts';

/** What editing needs. */
export interface SecretEditorOptions {
  readonly store: SecretStore;
  readonly ids: Ids;
  /** Nothing is written: a change only returns what it would do. */
  readonly isDryRun: boolean;
}

/** A secret to edit. */
export interface EditableSecret {
  readonly name: string;
  readonly kind: SecretKind;
  /** How it is created where it does not exist. Undefined: it must exist. */
  readonly creation?: SecretDescription;
}

/** A change of a secret. */
export interface SecretChange {
  /** What has changed, a line for each entry, without values. Empty: nothing. */
  readonly diff: readonly string[];
  /** The entries after it. */
  readonly entries: Entries;
}

/** Bytes of the longest secret (https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html). */
const longestSecret = 65_536;

/** Writes that were overtaken one after another, before the editor gives up. */
const mostAttempts = 10;

/**
 * Edits the secrets. Each value is checked as strictly as the functions check it. After each write the editor looks at what it replaced, so
 * that a write of another editor in between is not lost. No error, and nothing that is returned for display, has a value.
 */
export class SecretEditor {
  readonly #options: SecretEditorOptions;

  constructor(options: SecretEditorOptions) {
    this.#options = options;
  }

  /** The entries of a secret; empty where there is none. @throws {ConfigurationError} where it is not a JSON object */
  async read(secret: EditableSecret): Promise<Entries> {
    const value = await this.#options.store.read(secret.name);
    return value ? entriesIn(secret, value.text) : {};
  }

  /** Whether the secret exists and has a value. */
  async exists({ name }: EditableSecret): Promise<boolean> {
    return (await this.#options.store.read(name)) !== undefined;
  }

  /**
   * Changes a secret. The change must be one that can be applied to a later value, too. Where another editor was faster, it is applied
   * again to what that one wrote.
   *
   * @throws {ConfigurationError} where the new value is malformed or too long; nothing is written then
   */
  async edit(secret: EditableSecret, change: (entries: Entries) => Entries): Promise<SecretChange> {
    const { store, isDryRun } = this.#options;
    let current = await store.read(secret.name);
    const before = current ? entriesIn(secret, current.text) : {};
    const lost: Overwritten[] = [];
    for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
      const known = current ? entriesIn(secret, current.text) : {};
      const entries = change(lost.reduce(withChanges, known));
      const text = this.#checked(secret, entries);
      const result = { diff: diffOf(before, entries), entries };
      const isUnchanged = current !== undefined && diffOf(known, entries).length === 0;
      if (isUnchanged || isDryRun) return result;
      const outcome = await this.#write(secret, text, current);
      if (outcome.kind === 'written') return result;
      if (outcome.kind === 'overwrote') lost.push({ from: known, to: entriesIn(secret, outcome.other.text) });
      current = outcome.current;
    }
    throw new Error(`The secret ${secret.kind.title} is being changed by others. Run the command again.`);
  }

  /** Whether a change could be written. Nothing is written. @throws {ConfigurationError} as {@link edit} does */
  async check(secret: EditableSecret, change: (entries: Entries) => Entries): Promise<void> {
    this.#checked(secret, change(await this.read(secret)));
  }

  /** The text of a value that the functions accept. */
  #checked({ kind }: EditableSecret, entries: Entries): string {
    kind.check(entries);
    const text = JSON.stringify(entries);
    const length = Buffer.byteLength(text);
    if (length > longestSecret) {
      throw new ConfigurationError(
        `The secret ${kind.title} would have ${length} bytes; allowed: at most ${longestSecret}. Remove entries that are no longer used.`,
      );
    }
    return text;
  }

  /** Writes a value that was made from `base`. Secrets Manager has no condition on a write, so it is looked at what the write replaced. */
  async #write(secret: EditableSecret, text: string, base: SecretValue | undefined): Promise<WriteOutcome> {
    const { store, ids } = this.#options;
    const { name, creation } = secret;
    const now = await store.read(name);
    if (now && now.version !== base?.version) return { kind: 'changed_before', current: now };
    const token = ids.next();
    if (!now) {
      if (!creation) throw new ConfigurationError(`The secret ${name} does not exist, or it has no value.`);
      await store.create(name, text, token, creation);
      return { kind: 'written' };
    }
    await store.write(name, text, token);
    const replaced = await store.readPrevious(name);
    if (!replaced || replaced.version === now.version || replaced.version === token)
      return { kind: 'written' };
    return { kind: 'overwrote', other: replaced, current: { version: token, text } };
  }
}

/** What became of a write. `changed_before`: nothing was written, because another editor was faster. */
type WriteOutcome =
  | { readonly kind: 'written' }
  | { readonly kind: 'changed_before'; readonly current: SecretValue }
  | { readonly kind: 'overwrote'; readonly other: SecretValue; readonly current: SecretValue };

/** A change of another editor that a write of ours replaced without knowing it. */
interface Overwritten {
  readonly from: Entries;
  readonly to: Entries;
}

/** The entries with the change of another editor made again. */
function withChanges(entries: Entries, { from, to }: Overwritten): Entries {
  const names = new Set([...Object.keys(from), ...Object.keys(to)]);
  const changed = [...names].filter((name) => !isDeepStrictEqual(from[name], to[name]));
  const kept = Object.entries(entries).filter(([name]) => !changed.includes(name));
  const made = Object.entries(to).filter(([name]) => changed.includes(name));
  return Object.fromEntries([...kept, ...made]);
}

function entriesIn({ kind }: EditableSecret, text: string): Entries {
  const entries = readJson(text);
  if (!isEntries(entries)) throw new ConfigurationError(`The secret ${kind.title} must be a JSON object.`);
  return entries;
}
