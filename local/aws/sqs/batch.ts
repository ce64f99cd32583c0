import * as v from 'valibot';
import { ServiceError } from '../wire/service-error.ts';

/** Entries of a batch; whether there are too many or too few is told apart by `eachOf`. */
export const entriesOf = <const Entries extends v.ObjectEntries>(entries: Entries) =>
  v.array(v.object({ Id: v.string(), ...entries }));

const mostEntries = 10;

/** Does it for each entry of a batch by itself: an entry that is refused does not keep the others from being done. */
export function eachOf<Entry extends { readonly Id: string }>(
  entries: readonly Entry[],
  perform: (entry: Entry) => object,
): object {
  if (entries.length === 0) throw new ServiceError('EmptyBatchRequest', 'There are no entries.');
  if (entries.length > mostEntries) {
    throw new ServiceError(
      'TooManyEntriesInBatchRequest',
      `There are ${entries.length} entries; allowed: ${mostEntries}.`,
    );
  }
  if (new Set(entries.map(({ Id }) => Id)).size < entries.length) {
    throw new ServiceError('BatchEntryIdsNotDistinct', 'Two entries have the same Id.');
  }
  const Successful: object[] = [];
  const Failed: object[] = [];
  for (const entry of entries) {
    if (!/^[\w-]{1,80}$/.test(entry.Id)) {
      throw new ServiceError(
        'InvalidBatchEntryId',
        'An Id is 1 to 80 letters, digits, hyphens and underscores.',
      );
    }
    try {
      Successful.push({ Id: entry.Id, ...perform(entry) });
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      Failed.push({ Id: entry.Id, SenderFault: true, Code: error.code, Message: error.message });
    }
  }
  return { Successful, Failed };
}
