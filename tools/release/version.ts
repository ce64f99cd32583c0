/** A version as it is released: three numbers, no prefix, no pre-release. */
const released = /^(\d+)\.(\d+)\.(\d+)$/;

/** Why `next` cannot follow `current`; undefined when it can. The first release may have the version that package.json has. */
export function refuseVersion(next: string, current: string, isFirst: boolean): string | undefined {
  if (!released.test(next)) return `"${next}" is not a version. Write three numbers: 1.2.0.`;
  const order = compare(next, current);
  if (order > 0 || (order === 0 && isFirst)) return undefined;
  return `${next} does not follow ${current}, the version in package.json.`;
}

function compare(a: string, b: string): number {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  for (const [index, part] of left.entries()) {
    const difference = part - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

const numbersOf = (version: string): number[] => (released.exec(version)?.slice(1) ?? []).map(Number);
