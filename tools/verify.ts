/**
 * `npm run verify`: `npm run check`, and what takes too long for every change. docs/evidence/testing.md says how long each step takes.
 * Needs Node, Python 3 and Java. The last line counts the tests.
 */
import { spawnSync } from 'node:child_process';
import { stages } from '../lib/stages.ts';
import { check } from './check-steps.ts';
import { missingPrograms } from './prerequisites.ts';
import { finish, runSteps, type Step } from './run-script.ts';

const vitest = (title: string, parameters: readonly string[], environment = {}): Step => ({
  script: 'vitest',
  parameters: ['run', ...parameters],
  environment,
  title,
  hasTests: true,
});

/** The CDK's own rules and those of cdk-nag, each finding an error. */
const synthesis = (stage: string): Step => ({
  script: 'synth',
  parameters: [
    ...['--context', `stage=${stage}`],
    ...['--context', '@aws-cdk/core:validateAgainstDefaultRules=true'],
    ...['--output', `.cache/synthesized-${stage}`],
  ],
  title: `synthesis of the stage ${stage}`,
});

/** Steps that need both processors, because they measure time or use every processor themselves. */
const alone: readonly Step[] = [
  ...Object.keys(stages).map(synthesis),
  vitest('100,000 histories of the explorer', ['--project=explorer'], { HISTORIES: '100000' }),
  vitest('fuzz, chaos, restart and a full session', ['--project=verify-endurance']),
  vitest(
    'scenarios with the sweep as the only timer',
    ['core-flows', 'repair', 'sessions'].map((name) => `test/scenarios/${name}.test.ts`),
    { TIMERS: 'sweep' },
  ),
  vitest('the page in Chromium', ['--project=verify-page']),
];

/** Steps that mostly wait, or that no time matters to. Each lane has a processor. */
const lanes: readonly (readonly Step[])[] = [
  [
    // The nightly workflow adds the other stage.
    {
      script: 'outside',
      parameters: ['--stage', 'default', '--stage', 'commands'],
      title: 'deployed on an emulator of AWS',
      hasTests: true,
    },
  ],
  [
    vitest('mutants by hand and small scope', ['--project=verify-mutants']),
    vitest('the store on DynamoDB Local', ['test/adapters/dynamodb'], { DYNAMODB_ENGINE: 'dynamodb-local' }),
    vitest('packed packages in fresh projects', ['--project=verify-packages']),
    vitest('clients generated for Python and Java', ['--project=verify-clients']),
    vitest('the benchmark', ['--project=verify-benchmark']),
  ],
];

const missing = missingPrograms((program, parameters) => {
  const { status, stdout, stderr } = spawnSync(program, parameters, { encoding: 'utf8' });
  return status === 0 ? `${stdout}${stderr}` : undefined;
});
if (missing.length > 0) {
  for (const sentence of missing) console.error(sentence);
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
} else {
  const results = [...(await check()), ...(await runSteps(alone))];
  finish([...results, ...(await Promise.all(lanes.map((steps) => runSteps(steps)))).flat()]);
}
