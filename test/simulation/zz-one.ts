import { tellSeed } from './explore.ts';
import { mutants } from './mutants.ts';
const m = mutants.find(
  ({ name, invariant }) => name.includes(process.argv[3]!) || invariant.includes(process.argv[3]!),
);
console.log(await tellSeed(Number(process.argv[2]), m!.protocol));
