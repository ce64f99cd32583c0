/**
 * The explorer as a command.
 *
 * `--seed N` plays one seed and tells its history, shrunk if it breaks an invariant. `--runs N` plays many, from `--from M`, and
 * stops at the first that breaks one. `--seconds N` plays for so long.
 */
import { parseArgs } from 'node:util';
import { BrokenInvariant, checkSeed, tellSeed } from './explore.ts';

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
  const courses = new Set<number>();
  let steps = 0;
  let done = 0;
  try {
    while (done < runs && elapsed() < seconds) {
      const report = await checkSeed(from + done);
      courses.add(report.course);
      steps += report.steps;
      done += 1;
      if (done % 500 === 0) progress(done, runs, elapsed());
    }
  } catch (error) {
    say('\n');
    fail(error);
  }
  progress(done, runs, elapsed());
  say(
    `\n${done} runs from seed ${from}, ${courses.size} distinct courses, ${steps} calls of ports, ${elapsed().toFixed(1)} s\n`,
  );
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
