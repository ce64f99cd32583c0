/**
 * `npm run chaos`: disturbs the running local system under load, with one disturbance after another in the seed's
 * order.
 *
 * - `--scale seconds|minutes|hours`: how long the faults last.
 * - `--fault-seconds S`: exactly how long, except in hours.
 * - `--only PATTERN`: plays only the disturbances that match.
 * - `--minutes M`: for how long new rounds begin.
 * - `--seed N`: draws the order and the load.
 * - `--write`: puts the table and a plot into docs/evidence/reliability.md after each round, unless there was a
 * violation.
 *
 * Progress and the table go to standard error, the result as JSON to standard output.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { progressBar } from '../../bench/progress.ts';
import { Draws } from '../simulation/draws.ts';
import { startLocalProcess } from '../support/local-process.ts';
import { disturbances, type Scale } from './disturbances.ts';
import { type Mortal, playRound, type Round } from './play-round.ts';
import { commitNow, tableOf, writeReport } from './report.ts';

const faultSeconds: Readonly<Record<Scale, number>> = { seconds: 4, minutes: 180, hours: 0 };
/** Only Klarna reports the end of an unregistered session, and it waits up to twelve hours before it delivers again. */
const recoverySeconds: Readonly<Record<Scale, number>> = { seconds: 240, minutes: 300, hours: 13 * 3_600 };

const { values } = parseArgs({
  options: {
    scale: { type: 'string', default: 'seconds' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    'fault-seconds': { type: 'string' },
    minutes: { type: 'string', default: 'Infinity' },
    write: { type: 'boolean', default: false },
  },
});
const scale = (Object.keys(faultSeconds) as Scale[]).find((each) => each === values.scale);
if (!scale) throw new Error(`--scale is ${values.scale}; allowed: ${Object.keys(faultSeconds).join(', ')}.`);
const seed = Number(values.seed);
const commit = commitNow();
const chance = new Draws(seed, 'chaos');
const lasting = Number(values['fault-seconds'] ?? faultSeconds[scale]);
const length = scale === 'hours' ? '' : ` --fault-seconds ${lasting}`;
const only = values.only === '' ? '' : ` --only '${values.only}'`;
const until = values.minutes === 'Infinity' ? '' : ` --minutes ${values.minutes}`;
const command = `npm run chaos -- --scale ${scale} --seed ${seed}${length}${only}${until}`;

const chosen = disturbances
  .filter((disturbance) => disturbance.scale === scale && new RegExp(values.only).test(disturbance.name))
  .map((disturbance) => ({ disturbance, at: chance.next() }))
  .toSorted((one, other) => one.at - other.at);

const data = await mkdtemp(join(tmpdir(), 'lapse-chaos-'));
const system: Mortal = { data, process: await startLocalProcess('--data', data) };
const rounds: Round[] = [];
const bar = progressBar();
const lastBegin = performance.now() + Number(values.minutes) * 60_000;
try {
  for (const { disturbance } of chosen) {
    if (performance.now() > lastBegin) break;
    bar(rounds.length, chosen.length, disturbance.name);
    const round = await playRound(system, disturbance, {
      faultSeconds: lasting,
      recoveryWithinSeconds: recoverySeconds[scale],
      chance,
    });
    rounds.push(round);
    if (values.write && rounds.every(({ violations }) => violations.length === 0)) {
      await writeReport(scale, rounds, { command, commit });
    }
    for (const violation of round.violations) process.stderr.write(`${disturbance.name}: ${violation}\n`);
  }
  bar(rounds.length, chosen.length, 'done');
} finally {
  await system.process.stop();
  await rm(data, { recursive: true, force: true });
}
process.stderr.write(`\n${tableOf(rounds)}\n`);
process.stdout.write(`${JSON.stringify({ seed, node: process.version, rounds }, undefined, 2)}\n`);
if (rounds.some(({ violations }) => violations.length > 0)) process.exitCode = 1;
