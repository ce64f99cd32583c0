import { planOf } from './plan.ts';
import { tellSeed } from './explore.ts';
import { mutants } from './mutants.ts';
const m = mutants.find(({ invariant }) => invariant === 'our-cancel-has-a-cause')!;
let graced = 0,
  hung = 0,
  n = 0,
  late = 0;
for (let seed = 0; seed < 3000; seed += 1) {
  if (planOf(seed).hangingCancelRate === 0) continue;
  n += 1;
  const t = await tellSeed(seed, m.protocol);
  if (t.includes('klarna-hangs-done-late')) hung += 1;
  if (/timer.*returned graced/.test(t) || t.includes('returned graced')) {
    graced += 1;
    if (t.includes('klarna-hangs-done-late')) {
      late += 1;
      if (late === 1) console.log(seed);
    }
  }
}
console.log({ n, hung, graced, late });
