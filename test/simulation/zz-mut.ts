import { runSeed } from './explore.ts';
import { mutants } from './mutants.ts';
Error.stackTraceLimit = 0;
const runs = Number(process.argv[2] ?? 1500);
for (const { name, invariant, protocol } of mutants) {
  if (process.argv[3] && !name.includes(process.argv[3]) && !invariant.includes(process.argv[3])) continue;
  let first: number | undefined;
  let n = 0;
  const others = new Set<string>();
  for (let seed = 0; seed < runs; seed += 1) {
    const { violation } = await runSeed(seed, protocol);
    if (violation?.invariant === invariant) {
      first ??= seed;
      n += 1;
      if (!process.argv[4]) break;
    } else if (violation) others.add(`${violation.invariant}@${seed}`);
  }
  console.log(
    (first === undefined ? 'MISSED' : String(first)).padStart(6),
    String(n).padStart(4),
    invariant.padEnd(34),
    name,
    [...others].slice(0, 3).join(' '),
  );
}
