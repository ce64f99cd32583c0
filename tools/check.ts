/** `npm run check`: what only reads the sources runs on two processors, each step by its name; then the tests have them both. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Steps one after the other; the linter alone takes as long as all the others. */
const lanes = [['lint'], ['formatted', 'types', 'dependencies']] as const;

const results = await Promise.all(
  lanes.map(async (steps) => {
    let isWell = true;
    for (const step of steps) isWell = (await passes(step)) && isWell;
    return isWell;
  }),
);
const arePassed = await passes('test', 'inherit');
if (!results.every(Boolean) || !arePassed) process.exitCode = 1;

/** Runs a script of package.json; says how long it took, and before that, where it fails, what it said. */
async function passes(script: string, stdout: 'pipe' | 'inherit' = 'pipe'): Promise<boolean> {
  const started = performance.now();
  const child = spawn('npm', ['run', '--silent', script], { stdio: ['ignore', stdout, stdout] });
  const said: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => said.push(chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (code !== 0) process.stdout.write(Buffer.concat(said));
  console.log(`${code === 0 ? '✓' : '✗'} ${script}  ${seconds} s`);
  return code === 0;
}
