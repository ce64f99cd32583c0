/** A part of a pattern: one character, or a run of characters that match `within`. */
type Token = string | { readonly within: RegExp; readonly least: number };

/** Whether some text matches both patterns. */
export function overlap(one: readonly Token[], other: readonly Token[]): boolean {
  const known = new Map<number, boolean>();
  const from = (i: number, j: number): boolean => {
    const key = i * (other.length + 1) + j;
    const remembered = known.get(key);
    if (remembered !== undefined) return remembered;
    // Two runs side by side come back to the same place: until it is decided, that way does not count.
    known.set(key, false);
    const result = step(i, j);
    known.set(key, result);
    return result;
  };
  const step = (i: number, j: number): boolean => {
    const [a, b] = [one[i], other[j]];
    if (a === undefined && b === undefined) return true;
    if (isSkippable(a) && from(i + 1, j)) return true;
    if (isSkippable(b) && from(i, j + 1)) return true;
    if (a === undefined || b === undefined || !canShare(a, b)) return false;
    const [nextI, nextJ] = [after(i, a), after(j, b)];
    return nextI.some((x) => nextJ.some((y) => (x !== i || y !== j) && from(x, y)));
  };
  return from(0, 0);
}

const isSkippable = (token: Token | undefined): boolean => typeof token === 'object' && token.least === 0;

/** A run may go on after a character, or end. */
const after = (index: number, token: Token): readonly number[] =>
  typeof token === 'string' ? [index + 1] : [index, index + 1];

const canShare = (a: Token, b: Token): boolean => {
  if (typeof a === 'string') return typeof b === 'string' ? a === b : b.within.test(a);
  return typeof b === 'string' ? a.within.test(b) : true;
};

/** The tokens of a resource in a policy: `*` is any run. */
export const tokensOfResource = (resource: string): readonly Token[] =>
  Array.from(resource, (character) => (character === '*' ? { within: /./, least: 0 } : character));

/** Variables of AWS's ARN formats that may contain slashes. */
const withSlashes =
  /^(?:LogGroupName|LogStreamName|SecretId|RoleNameWithPath|ApiSpecificResourcePath|ResourcePath)$/;

/** The tokens of an ARN format of AWS, such as `arn:${Partition}:sqs:${Region}:${Account}:${QueueName}`. */
export const tokensOfFormat = (format: string): readonly Token[] =>
  format
    .split(/(\$\{\w+\})/)
    .flatMap((part): readonly Token[] =>
      part.startsWith('${')
        ? [{ within: withSlashes.test(part.slice(2, -1)) ? /[^:]/ : /[^:/]/, least: 1 }]
        : Array.from(part),
    );
