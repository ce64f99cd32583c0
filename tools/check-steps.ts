import { runSteps, type Step, type StepResult } from './run-script.ts';

/** What only reads the sources. The linter alone takes as long as all the others, so each lane has a processor. */
const lanes: readonly (readonly Step[])[] = [
  [{ script: 'lint' }],
  [{ script: 'formatted' }, { script: 'types' }, { script: 'dependencies' }, { script: 'language' }],
];

/** The steps of `npm run check`: the lanes at the same time, then the tests, which have both processors. */
export async function check(): Promise<StepResult[]> {
  const results = await Promise.all(lanes.map((steps) => runSteps(steps)));
  return [...results.flat(), ...(await runSteps([{ script: 'test', hasTests: true }]))];
}
