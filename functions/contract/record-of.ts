import * as v from 'valibot';

/**
 * The schema of an object whose keys a caller or a secret names. valibot's own `v.record` leaves out the keys `constructor`, `prototype`
 * and `__proto__` without a violation. Here the first two are keys like any other, and the last one is a violation.
 *
 * @param key checks each key.
 * @param value checks and transforms each value.
 * @param format what the object must be, for the violation.
 */
export const recordOf = <Value extends v.GenericSchema>(
  key: v.GenericSchema<string, string>,
  value: Value,
  format = 'must be an object',
) =>
  v.pipe(
    v.custom<Readonly<Record<string, v.InferInput<Value>>>>(isObject, format),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      for (const [name, given] of Object.entries<unknown>(dataset.value)) {
        const message = violationOfName(key, name);
        if (message === undefined) continue;
        const place = {
          type: 'object',
          origin: 'key',
          input: dataset.value,
          key: name,
          value: given,
        } as const;
        addIssue({ message, input: name, path: [place] });
      }
    }),
    v.lazy((given) =>
      v.object(Object.fromEntries((isObject(given) ? Object.keys(given) : []).map((name) => [name, value]))),
    ),
  );

function violationOfName(key: v.GenericSchema<string, string>, name: string): string | undefined {
  const [issue] = v.safeParse(key, name).issues ?? [];
  return issue?.message ?? (name === '__proto__' ? 'must have another name' : undefined);
}

/** An object of JSON. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
