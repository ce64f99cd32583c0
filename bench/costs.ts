import { priceOfJob } from './cost/price-of-job.ts';
import { type Figures, find } from './figures.ts';

/** US dollars for a million of one job, ours and typical's. */
export interface Cost {
  readonly job: string;
  readonly lapse: number;
  readonly typical: number;
}

/** Units of one write of ours, as `npm run cost` counts them in sessions: two or three kilobytes, and an entry moved in an index. */
const ourWriteUnits = 5;
/** The typical record is in no index. */
const typicalWriteUnits = 1;
/** All functions have the same. */
const memoryMegabytes = 256;

/**
 * What a cancel and a webhook cost, from the calls that the logs show and the time that a warm call took at 256 MB. Ours
 * publishes from the table's stream: the call of that function is added to whatever writes. The typical cancel publishes
 * nothing, and the typical webhook does so itself.
 */
export function costsOf(figures: readonly Figures[]): readonly Cost[] {
  const publish = find(figures, 'lapse publish', 'whole');
  return (['cancel', 'webhook'] as const).flatMap((job) => {
    const ours = find(figures, `lapse ${job}`, 256) ?? find(figures, `lapse ${job}`, 'whole');
    const theirs = find(figures, `typical ${job}`, 256) ?? find(figures, `typical ${job}`, 'whole');
    if (!publish || !ours || !theirs) return [];
    const behindApi = job === 'cancel';
    const price = ({ calls, warmP50: millis }: Figures, writeUnits: number, api: boolean): number =>
      priceOfJob({ calls, millis, memoryMegabytes, writeUnits, behindApi: api });
    return [
      {
        job,
        lapse: price(ours, ourWriteUnits, behindApi) + price(publish, ourWriteUnits, false),
        typical: price(theirs, typicalWriteUnits, behindApi),
      },
    ];
  });
}
