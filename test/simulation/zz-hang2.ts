import { planOf } from './plan.ts';
import { tellSeed } from './explore.ts';
let n = 0;
for (let seed = 0; seed < 3000 && n < 8; seed += 1) {
  if (planOf(seed).hangingCancelRate === 0) continue;
  n += 1;
  const t = await tellSeed(seed);
  console.log('=====', seed);
  console.log(
    t
      .split('\n')
      .filter((l) => !/relay|bus |signing-keys|store\.|accounts/.test(l))
      .slice(0, 26)
      .map((l) => l.slice(0, 170))
      .join('\n'),
  );
}
