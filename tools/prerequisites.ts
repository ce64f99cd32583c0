/** A program that `npm run verify` starts beside Node. */
interface Prerequisite {
  readonly program: string;
  readonly parameters: readonly string[];
  /** The major version in what the program prints, and the lowest one that will do. */
  readonly version: RegExp;
  readonly lowest: number;
  readonly missing: string;
}

const prerequisites: readonly Prerequisite[] = [
  {
    program: 'java',
    parameters: ['-version'],
    version: /version "(\d+)/,
    lowest: 17,
    missing: 'npm run verify needs Java 17 or newer, for DynamoDB Local. Install a JRE and run it again.',
  },
  {
    program: 'python3',
    parameters: ['--version'],
    version: /Python (\d+)/,
    lowest: 3,
    missing: 'npm run verify needs Python 3, for the stand-in of AWS. Install it and run it again.',
  },
];

/**
 * A sentence for each program that is missing or too old.
 *
 * @param outputOf what a program prints on both of its streams; undefined when it cannot be started or fails
 */
export const missingPrograms = (
  outputOf: (program: string, parameters: readonly string[]) => string | undefined,
): string[] =>
  prerequisites
    .filter(({ program, parameters, version, lowest }) => {
      const major = version.exec(outputOf(program, parameters) ?? '')?.[1];
      return major === undefined || Number(major) < lowest;
    })
    .map(({ missing }) => missing);
