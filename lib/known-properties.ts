/**
 * Throws where an object has a property that does not exist: one sentence with what is allowed. A misspelled property would have no
 * effect, and some of them limit what is allowed or sent.
 *
 * @param names every property that there is
 */
export function requireKnown<Props extends object>(
  of: string,
  given: Props,
  names: Readonly<Record<keyof Props, true>>,
): void {
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(names, name));
  if (unknown.length > 0)
    throw new Error(`${of} has ${unknown.join(', ')}; allowed: ${Object.keys(names).join(', ')}.`);
}
