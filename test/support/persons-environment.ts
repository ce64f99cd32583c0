import { delimiter, join } from 'node:path';

/** What npm, Vitest and `npm run verify` set for this test. A proxy or a certificate of the machine stays. */
const ofThisTest =
  /^(npm_(package|lifecycle|command|execpath|node_execpath|config_(local_|global_)?prefix)|NODE_(OPTIONS|ENV|COMPILE_CACHE)|VITEST|CDK_|(INIT_CWD|TARGET|TIMERS|NO_COLOR|FORCE_COLOR)$)/i;

/** The environment of a person's shell: this Node first, and nothing of the repository or of the npm that runs this test. */
export function personsEnvironment(node: string, folder: string): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !ofThisTest.test(name));
  const path = [join(folder, 'node_modules', '.bin'), node, ...pathWithoutPackages()].join(delimiter);
  return { ...Object.fromEntries(own), PATH: path, CDK_DISABLE_CLI_TELEMETRY: 'true', NO_COLOR: '1' };
}

/** The folders of `PATH` without those of installed packages. */
export const pathWithoutPackages = (): readonly string[] =>
  (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
