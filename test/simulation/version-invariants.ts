/** What must hold for every write while two versions of the code run side by side. */
import { isDeepStrictEqual } from 'node:util';
import type { Safety } from './evidence.ts';

/** A version leaves data that it does not know as it was, whichever version wrote it. */
const unknownIsCarriedOn: Safety = (step) => {
  if (step.kind !== 'written' || !step.items) return undefined;
  const { before, after, writer } = step.items;
  const attribute = writer.lacks.find((name) => !isDeepStrictEqual(before[name], after[name]));
  if (attribute) return `${writer.name} has changed ${attribute}, which it does not know`;
  const alarm = before['at'];
  return writer.lacksOfAttention.includes(String(alarm)) && after['at'] === undefined
    ? `${writer.name} has cleared the attention ${String(alarm)}, which it does not know`
    : undefined;
};

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
