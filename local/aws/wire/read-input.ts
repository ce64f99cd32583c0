import * as v from 'valibot';
import { allowedBy } from '../../shared/checked-json.ts';
import { ServiceError } from './service-error.ts';

/** Reads the input of a call by a schema. Refuses invalid input under the service's own code, and names the field. */
export function readInput<Schema extends v.GenericSchema>(
  schema: Schema,
  input: unknown,
  code: string,
): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, input);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const field = v.getDotPath(issue) ?? 'The input';
  throw new ServiceError(
    code,
    issue.received === 'undefined'
      ? `${field} is missing.`
      : `${field} is ${issue.received.slice(0, 100)}; allowed: ${allowedBy(issue)}.`,
  );
}
