import type { Ids } from './ports.ts';

/** Characters of an id that has to be unique within one record only: 48 random bits. */
const length = 12;

/** A new id for a fact, a claim or a write of one record. It is short, because every write of the record pays for it. */
export const shortId = (ids: Ids): string => ids.next().slice(-length);
