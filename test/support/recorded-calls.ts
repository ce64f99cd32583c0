import { readFileSync, writeFileSync } from 'node:fs';
import * as v from 'valibot';

/** A kind of AWS call that a function makes, as `GET /calls` of the local system lists it. */
export interface RecordedCall {
  readonly caller: string;
  readonly action: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

const file = new URL('../lib/iam/recorded-calls.json', import.meta.url);

const callsSchema = v.array(
  v.object({ caller: v.string(), action: v.string(), parameters: v.record(v.string(), v.unknown()) }),
);

/** A text without the hashes that CloudFormation's logical ids end with. */
export const withoutHashes = (text: string): string =>
  text.replaceAll(/(?<=[A-Za-z])[0-9A-F]{8}(?=["/:]|$)/g, '');

/** Every kind of call that the scenarios have made. The IAM simulation shows that each is allowed. */
export const recordedCalls = (): readonly RecordedCall[] =>
  v.parse(callsSchema, JSON.parse(readFileSync(file, 'utf8')));

/**
 * Compares the calls that the functions of a local system have made with the recorded ones. Throws where one is new, so that no
 * call stays without its simulation. With `RECORD_CALLS=1` it records the new ones instead.
 */
export async function checkRecordedCalls(control: string): Promise<void> {
  const response = await fetch(`${control}/calls`);
  const { kinds } = v.parse(
    v.object({ kinds: callsSchema }),
    JSON.parse(withoutHashes(await response.text())),
  );
  const known = recordedCalls();
  const texts = new Set(known.map(textOf));
  const fresh = kinds.filter((call) => call.caller !== 'unknown' && !texts.has(textOf(call)));
  if (fresh.length === 0) return;
  if (process.env['RECORD_CALLS'] === '1') {
    const all = [...known, ...fresh].toSorted((a, b) => textOf(a).localeCompare(textOf(b)));
    writeFileSync(file, `${JSON.stringify(all, undefined, 2)}\n`);
    return;
  }
  throw new Error(
    `The functions made calls that test/lib/iam/recorded-calls.json does not have: ${fresh.map(textOf).join(', ')}. ` +
      'Repeat with RECORD_CALLS=1, and read the difference.',
  );
}

const textOf = ({ caller, action, parameters }: RecordedCall): string =>
  `${caller} ${action} ${JSON.stringify(parameters)}`;
