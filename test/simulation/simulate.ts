/**
 * The explorer as a command.
 *
 * - `--seed N` plays one seed and prints its history, shrunk if it breaks an invariant.
 * - `--runs N` plays many seeds on every processor, from `--from M`, and stops at the first that breaks an invariant.
 * - `--seconds N` plays for that long.
 */
import { parseArgs } from 'node:util';
import { BrokenInvariant, checkSeed, tellSeed } from './explore.ts';
import { playSeeds } from './play-seeds.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    runs: { type: 'string', default: '10000' },
    from: { type: 'string', default: '0' },
    seconds: { type: 'string' },
  },
});

const say = (text: string) => process.stdout.write(text);

if (values.seed === undefined)
  await playMany(Number(values.from), Number(values.runs), Number(values.seconds ?? Infinity));
else await playOne(Number(values.seed));

async function playOne(seed: number): Promise<void> {
  try {
    await checkSeed(seed);
    say(`${await tellSeed(seed)}\nseed ${seed} holds\n`);
  } catch (error) {
    fail(error);
  }
}

async function playMany(from: number, runs: number, seconds: number): Promise<void> {
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  try {
    const tally = await playSeeds({ from, runs }, ({ runs: done }) => {
      progress(done, runs, elapsed());
      return elapsed() > seconds;
    });
    say(
      `\n${tally.runs} runs from seed ${from}, ${tally.courses.size} distinct courses, ${tally.calls} calls of ports, ${elapsed().toFixed(1)} s\n`,
    );
  } catch (error) {
    say('\n');
    fail(error);
  }
}

function progress(done: number, runs: number, seconds: number): void {
  const width = 30;
  const full = Math.round((done / runs) * width);
  const bar = `${'█'.repeat(full)}${'·'.repeat(width - full)}`;
  const line = `${bar} ${done}/${runs}  ${Math.round(done / seconds)} runs/s`;
  if (process.stdout.isTTY) say(`\r${line}`);
  else if (done % 10_000 === 0 || done === runs) say(`${line}\n`);
}

function fail(error: unknown): void {
  say(`${error instanceof BrokenInvariant ? error.message : String((error as Error).stack)}\n`);
  process.exitCode = 1;
}
