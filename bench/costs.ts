import { priceOfJob } from './cost/price-of-job.ts';
import { type Figures, find } from './figures.ts';

/** US dollars for a million runs of one job, for Lapse and for its peers. */
export interface Cost {
  readonly job: string;
  readonly lapse: number;
  readonly typical: number;
  readonly lean: number;
}

/**
 * Units of one write of Lapse, as `npm run cost` counts them in sessions: two or three kilobytes, and one index entry
 * that moves.
 */
const ourWriteUnits = 5;
/** The records of the peers are in no index. */
const peerWriteUnits = 1;
/** All functions have the same memory. */
const memoryMegabytes = 256;

/**
 * The cost of a cancel and a webhook, from the logged calls and the time of a warm call at 256 MB. Lapse publishes from
 * the table's stream, so each write adds a call of that function. The cancels of the peers publish nothing, and their
 * webhooks publish themselves.
 */
export function costsOf(figures: readonly Figures[]): readonly Cost[] {
  const publish = find(figures, 'lapse publish', 'whole');
  return (['cancel', 'webhook'] as const).flatMap((job) => {
    const of = (subject: string) =>
      find(figures, `${subject} ${job}`, 256) ?? find(figures, `${subject} ${job}`, 'whole');
    const [ours, typical, lean] = [of('lapse'), of('typical'), of('lean')];
    if (!publish || !ours || !typical || !lean) return [];
    const behindApi = job === 'cancel';
    const price = ({ calls, warmP50: millis }: Figures, writeUnits: number, api: boolean): number =>
      priceOfJob({ calls, millis, memoryMegabytes, writeUnits, behindApi: api });
    return [
      {
        job,
        lapse: price(ours, ourWriteUnits, behindApi) + price(publish, ourWriteUnits, false),
        typical: price(typical, peerWriteUnits, behindApi),
        lean: price(lean, peerWriteUnits, behindApi),
      },
    ];
  });
}
