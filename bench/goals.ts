import { type Figures, find } from './figures.ts';
import type { Size } from './rounds.ts';

/** One goal, and the measured value: the larger one where it is about two functions. */
export interface Goal {
  readonly figure: string;
  readonly goal: number;
  /** Absent where this machine could not measure it. */
  readonly measured: number | undefined;
  readonly met: boolean | undefined;
  readonly unit: '' | 'µs' | 'calls';
}

export interface GoalsInput {
  readonly figures: readonly Figures[];
  /** Milliseconds that every cancel must wait. */
  readonly waiting: number;
  /** Microseconds of CPU for a forged webhook. */
  readonly forgedMicros: number;
  /** Calls of AWS by flow. */
  readonly awsCalls: Readonly<
    Record<'webhook' | 'webhook, duplicate' | 'webhook, forged' | 'cancel', number>
  >;
}

const jobs = ['cancel', 'webhook'] as const;

/** The goals, each with the result of this run. */
export function goalsOf({ figures, waiting, forgedMicros, awsCalls }: GoalsInput): readonly Goal[] {
  const of = (subject: string, size: Size) => find(figures, subject, size);
  const empty = of('empty nothing, once', 'whole');
  const ratio = (a: number | undefined, b: number | undefined): number | undefined =>
    a === undefined || b === undefined ? undefined : a / b;
  const sums = (job: string, size: Size) =>
    ratio(of(`lapse ${job}`, size)?.sum, of(`typical ${job}`, size)?.sum);
  const ours = (job: string, size: Size, value: (each: Figures) => number): number | undefined => {
    const found = of(`lapse ${job}`, size);
    return found && value(found);
  };
  const goal = (
    figure: string,
    limit: number,
    measured: number | undefined,
    unit: Goal['unit'] = '',
  ): Goal => ({
    figure,
    goal: limit,
    measured,
    met: measured === undefined ? undefined : measured <= limit,
    unit,
  });
  const perJob = (figure: string, limit: number, value: (job: string) => number | undefined) =>
    jobs.map((job) => goal(`${figure}: ${job}`, limit, value(job)));
  const firstByWarm = ({ first, warmP50 }: Figures): number => first / warmP50;
  const p99ByP50 = ({ warmP99, warmP50 }: Figures): number => warmP99 / warmP50;
  return [
    ...perJob('init + first call ÷ typical, a core', 0.38, (job) => sums(job, 'whole')),
    ...perJob('init + first call ÷ typical, 512 MB', 0.34, (job) => sums(job, 512)),
    ...perJob('init + first call ÷ typical, 256 MB', 0.22, (job) => sums(job, 256)),
    ...perJob('init + first call ÷ typical, 128 MB', 0.15, (job) => sums(job, 128)),
    ...perJob('init ÷ empty, warm-up off', 2, (job) =>
      ratio(of(`lapse ${job}, warm-up off`, 'whole')?.init, empty?.init),
    ),
    ...perJob('first call ÷ warm p50, 256 MB', 1.2, (job) => ours(job, 256, firstByWarm)),
    goal(
      'warm p50 of cancel ÷ its unavoidable waiting, 256 MB',
      1.2,
      ours('cancel', 256, ({ warmP50 }) => warmP50 / waiting),
    ),
    ...perJob('warm p99 ÷ p50, a core', 1.4, (job) => ours(job, 'whole', p99ByP50)),
    ...perJob('warm p99 ÷ p50, 256 MB', 1.4, (job) => ours(job, 256, p99ByP50)),
    ...perJob('bundle bytes ÷ typical', 0.25, (job) =>
      ratio(of(`lapse ${job}`, 'whole')?.bundleBytes, of(`typical ${job}`, 'whole')?.bundleBytes),
    ),
    ...perJob('peak memory ÷ empty', 1.75, (job) =>
      ratio(of(`lapse ${job}`, 'whole')?.peakKilobytes, empty?.peakKilobytes),
    ),
    goal('AWS calls of a new webhook', 1, awsCalls.webhook, 'calls'),
    goal('AWS calls of a duplicate webhook', 1, awsCalls['webhook, duplicate'], 'calls'),
    goal("AWS calls of a cancel, including the schedule's deletion", 4, awsCalls.cancel, 'calls'),
    goal('calls of a forged webhook', 0, awsCalls['webhook, forged'], 'calls'),
    goal('CPU of a forged webhook', 50, forgedMicros, 'µs'),
  ];
}
