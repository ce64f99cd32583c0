import * as v from 'valibot';
import { readJson } from '../../functions/contract/read-json.ts';

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(255));

const party = v.strictObject({
  name: v.pipe(text, v.regex(/^[A-Z][A-Z0-9_]*$/)),
  session_reference: v.exactOptional(text),
  module_name: v.exactOptional(text),
  module_version: v.exactOptional(text),
});

const schema = v.strictObject({ integrator: party, originators: v.exactOptional(v.array(party)) });

/** Klarna takes at most 6 KB in a header. */
const longest = 6_144;

/** Whether a header tells the integrator and the originators in Klarna's form. */
export const isIntegrationMetadata = (header: string): boolean =>
  Buffer.byteLength(header) <= longest && v.is(schema, readJson(header));
