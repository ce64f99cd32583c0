/** What must hold for every write while two versions of the code run side by side. */
import { isDeepStrictEqual } from 'node:util';
import type { Item } from '../../functions/adapters/dynamodb/payment-request-item.ts';
import type { Safety } from './evidence.ts';

/** A version leaves data that it does not know as it was, whichever version wrote it. */
const unknownIsCarriedOn: Safety = (step) => {
  if (step.kind !== 'written' || !step.items) return undefined;
  const { before, after, writer } = step.items;
  const attribute = writer.lacks.find((name) => !isDeepStrictEqual(before[name], after[name]));
  if (attribute) return `${writer.name} has changed ${attribute}, which it does not know`;
  const [was, is] = [sessionOf(before), sessionOf(after)];
  const field = was && is && writer.lacksOfSession.find((name) => was[name] !== is[name]);
  if (field) return `${writer.name} has changed the session's ${field}, which it does not know`;
  const alarm = before['attention'];
  return writer.lacksOfAttention.includes(String(alarm)) && after['attention'] === undefined
    ? `${writer.name} has cleared the attention ${String(alarm)}, which it does not know`
    : undefined;
};

const sessionOf = (item: Item) => item['session'] as Readonly<Record<string, unknown>> | undefined;

/** A written record is in every index that its version knows, whatever the earlier version did not know. */
const writtenIsIndexed: Safety = (step) => {
  if (step.kind !== 'written' || !step.items) return undefined;
  const { after, writer } = step.items;
  const wanted = writer.codec.toItem(writer.codec.fromItem(after));
  const missing = writer.derives.find((name) => after[name] !== wanted[name]);
  return (
    missing && `${writer.name} leaves ${missing} at ${String(after[missing])}, not ${String(wanted[missing])}`
  );
};

/** Checked after every step. */
export const versionSafety = {
  'unknown-is-carried-on': unknownIsCarriedOn,
  'written-is-indexed': writtenIsIndexed,
} as const satisfies Record<string, Safety>;
