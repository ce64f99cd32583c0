import * as v from 'valibot';
import { getItem, type TableAccess, updateItem } from '../../functions/adapters/dynamodb/table-items.ts';
import { UpdateBuilder } from '../../functions/adapters/dynamodb/update-expression.ts';
import type { CredentialName } from '../../functions/domain/identifiers.ts';

/** What was so before a command made a signing key. */
export interface NewKeyNote {
  /** The signing keys that Klarna had, by id. */
  readonly known: readonly string[];
  /** The key that the new one replaces, where the secret of that is not stored. */
  readonly replaced: string | undefined;
  /** Milliseconds since 1970. */
  readonly begunAt: number;
}

/**
 * Notes about a signing key that is being made. Klarna shows the secret of a key once, and says of no key who made it. The note tells the
 * next command which key was made by one that ended before it could store it.
 */
export interface NewKeyNotes {
  readonly begin: (credential: CredentialName, note: NewKeyNote) => Promise<void>;
  /** The note; `undefined` where no key is being made. */
  readonly pending: (credential: CredentialName) => Promise<NewKeyNote | undefined>;
  /** Removes the note: the key is stored and in use. */
  readonly end: (credential: CredentialName) => Promise<void>;
}

const itemSchema = v.object({
  known: v.array(v.string()),
  replaced: v.exactOptional(v.string()),
  begun_at: v.number(),
});

const partitionKeyOf = (credential: CredentialName): string => `NEW-KEY#${credential}`;

/** The notes in the table: one item for each credential. */
export const tableNotes = (table: TableAccess): NewKeyNotes => {
  const write = async (credential: CredentialName, note: NewKeyNote | undefined): Promise<void> => {
    const update = new UpdateBuilder()
      .put('known', note?.known)
      .put('replaced', note?.replaced)
      .put('begun_at', note?.begunAt)
      .put('pending', note !== undefined);
    await updateItem(table, partitionKeyOf(credential), update.when());
  };
  return {
    begin: write,
    pending: async (credential) => {
      const parsed = v.safeParse(itemSchema, await getItem(table, partitionKeyOf(credential)));
      if (!parsed.success) return undefined;
      const { known, replaced, begun_at: begunAt } = parsed.output;
      return { known, replaced, begunAt };
    },
    end: (credential) => write(credential, undefined),
  };
};
