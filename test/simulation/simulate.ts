/** `npm run simulate`: the explorer as a command. `npm run simulate -- --help` has its options. */
import { Command, InvalidArgumentError } from '@commander-js/extra-typings';
import { BrokenInvariant, checkSeed, tellSeed } from './explore.ts';
import { playSeeds } from './play-seeds.ts';

const { seed, runs, from, seconds } = new Command('npm run simulate --')
  .description(
    'Plays histories of requests with random faults, and stops at the first that breaks an invariant.',
  )
  .option('--seed <n>', 'play one seed and print its history, shrunk if it breaks an invariant', wholeNumber)
  .option('--runs <n>', 'play this many seeds on every processor', wholeNumber, 10_000)
  .option('--from <n>', 'the first of them', wholeNumber, 0)
  .option('--seconds <n>', 'play for no longer than that', wholeNumber)
  .parse()
  .opts();

/** Commander prints the sentence, and ends the process. */
function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Allowed: a whole number.');
  return Number(text);
}

const say = (text: string) => process.stdout.write(text);

if (seed === undefined) await playMany();
else await playOne(seed);

async function playOne(seed: number): Promise<void> {
  try {
    await checkSeed(seed);
    say(`${await tellSeed(seed)}\nseed ${seed} holds\n`);
  } catch (error) {
    fail(error);
  }
}

async function playMany(): Promise<void> {
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  try {
    const tally = await playSeeds({ from, runs }, ({ runs: done }) => {
      progress(done, runs, elapsed());
      return elapsed() > (seconds ?? Infinity);
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
