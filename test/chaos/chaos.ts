/**
 * `npm run chaos`: disturbs the running local system under load, one disturbance after another in the seed's order.
 *
 * `--seed N` chooses, `--only PATTERN` leaves out the others, `--minutes M` is how long new rounds are begun, `--fault-seconds S` how long each fault lasts. The bar and the table go to
 * standard error, the result as JSON to standard output.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Draws } from '../simulation/draws.ts';
import { startLocalProcess } from '../support/local-process.ts';
import { disturbances } from './disturbances.ts';
import { type Mortal, playRound, type Round } from './play-round.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '15' },
    'fault-seconds': { type: 'string', default: '8' },
    only: { type: 'string', default: '' },
    'recovery-seconds': { type: 'string', default: '420' },
  },
});
const seed = Number(values.seed);
const chance = new Draws(seed, 'chaos');
const millis = Number(values.minutes) * 60_000;

const shuffled = disturbances
  .filter(({ name }) => new RegExp(values.only).test(name))
  .map((disturbance) => ({ disturbance, at: chance.next() }))
  .toSorted((one, other) => one.at - other.at)
  .map(({ disturbance }) => disturbance);

const data = await mkdtemp(join(tmpdir(), 'lapse-chaos-'));
const system: Mortal = { data, process: await startLocalProcess('--data', data) };
const rounds: Round[] = [];
const started = performance.now();
try {
  for (let index = 0; performance.now() - started < millis; index += 1) {
    const disturbance = shuffled[index % shuffled.length];
    if (!disturbance) break;
    progress(disturbance.name);
    rounds.push(
      await playRound(system, disturbance, {
        faultSeconds: Number(values['fault-seconds']),
        recoveryWithinSeconds: Number(values['recovery-seconds']),
        chance,
      }),
    );
  }
} finally {
  await system.process.stop();
  await rm(data, { recursive: true, force: true });
}
process.stderr.write(`\n${tableOf(rounds)}\n`);
process.stdout.write(`${JSON.stringify({ seed, node: process.version, rounds }, undefined, 2)}\n`);
process.exitCode = rounds.some(({ violations }) => violations.length > 0) ? 1 : 0;

function progress(name: string): void {
  const width = 30;
  const part = Math.min(1, (performance.now() - started) / millis);
  const full = Math.round(part * width);
  process.stderr.write(
    `${'█'.repeat(full)}${'·'.repeat(width - full)} ${rounds.length} rounds; now ${name}\n`,
  );
}

function tableOf(all: readonly Round[]): string {
  return [
    '| disturbance | acknowledged | of them paid | refused | fault, s | recovery, s | violations |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...all.map(
      (round) =>
        `| ${[round.disturbance, round.sessions, round.paid, round.refused, round.faultSeconds, round.recoverySeconds, round.violations.length].join(' | ')} |`,
    ),
  ].join('\n');
}
