import { expect, it } from 'vitest';
import { disturbances } from '../chaos/disturbances.ts';
import { type Mortal, playRound } from '../chaos/play-round.ts';
import { Draws } from '../simulation/draws.ts';
import { startLocalProcess } from '../support/local-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

it('after functions killed under load and a refusing database, everything acknowledged is settled', async () => {
  const data = await temporaryFolder();
  const system: Mortal = { data, process: await startLocalProcess('--data', data) };
  try {
    for (const name of ['kill -9 of all functions', 'dynamodb: throttle']) {
      const disturbance = disturbances.find((each) => each.name === name);
      if (!disturbance) throw new Error(`There is no disturbance ${name}.`);
      const round = await playRound(system, disturbance, {
        faultSeconds: 2,
        recoveryWithinSeconds: 150,
        chance: new Draws(1, 'chaos'),
      });
      expect(round.violations).toEqual([]);
    }
  } finally {
    await system.process.stop();
  }
}, 420_000);
