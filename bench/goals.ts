import { type Figures, find } from './figures.ts';
import { type Size, sizeName, sizes } from './rounds.ts';
import type { SharedWaiting } from './subjects.ts';

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
  readonly waiting: SharedWaiting;
  /** Microseconds of CPU for a forged webhook. */
  readonly forgedMicros: number;
  /** Calls of AWS by job of Lapse. */
  readonly awsCalls: Readonly<Record<CountedJob, number>>;
}

/** The jobs of Lapse whose calls have a goal. */
export const countedJobs = [
  'webhook',
  'webhook, duplicate',
  'webhook, canceled',
  'webhook, forged',
  'cancel',
  'register',
  'register, no session',
  'register, webhook first',
] as const;
export type CountedJob = (typeof countedJobs)[number];

const jobs = ['cancel', 'webhook'] as const;
type Job = (typeof jobs)[number];
type Peer = 'typical' | 'lean';

/** The goals, each with the result of this run. */
export const goalsOf = (input: GoalsInput): readonly Goal[] => [
  ...coldGoals(input),
  ...warmGoals(input),
  ...sizeGoals(input),
  ...callGoals(input),
];

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

const perJob = (figure: string, limit: number, value: (job: Job) => number | undefined): readonly Goal[] =>
  jobs.map((job) => goal(`${figure}: ${job}`, limit, value(job)));

const ratio = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : a / b;

/** The cold call without the waiting that both have: Lapse ÷ a peer. */
const coldRatio = (
  { figures, waiting }: Pick<GoalsInput, 'figures' | 'waiting'>,
  { job, peer, size }: { readonly job: Job; readonly peer: Peer; readonly size: Size },
): number | undefined => {
  const own = (subject: string): number | undefined => {
    const found = find(figures, `${subject} ${job}`, size);
    return found && found.sum - waiting[job];
  };
  return ratio(own('lapse'), own(peer));
};

/** Init and first call together, waiting included: Lapse ÷ `typical`. */
const sumRatio = (figures: readonly Figures[], job: Job, size: Size): number | undefined =>
  ratio(find(figures, `lapse ${job}`, size)?.sum, find(figures, `typical ${job}`, size)?.sum);

/** The goals of init and first call at each size, against `typical`. Those of a cancel leave out the shared waiting. */
const againstTypical = [
  { size: 'whole', cancel: 0.4, webhook: 0.38 },
  { size: 512, cancel: 0.2, webhook: 0.34 },
  { size: 256, cancel: 0.11, webhook: 0.22 },
  { size: 128, cancel: 0.1, webhook: 0.15 },
] as const satisfies readonly ({ readonly size: Size } & Readonly<Record<Job, number>>)[];

function coldGoals(input: GoalsInput): readonly Goal[] {
  const { figures } = input;
  const empty = find(figures, 'empty nothing, once', 'whole');
  const cold = 'init + first call';
  return [
    ...againstTypical.map(({ size, cancel }) =>
      goal(
        `${cold} less shared waiting ÷ typical, ${sizeName(size)}: cancel`,
        cancel,
        coldRatio(input, { job: 'cancel', peer: 'typical', size }),
      ),
    ),
    ...againstTypical.map(({ size, webhook }) =>
      goal(`${cold} ÷ typical, ${sizeName(size)}: webhook`, webhook, sumRatio(figures, 'webhook', size)),
    ),
    ...sizes.flatMap((size) =>
      perJob(`${cold} less shared waiting ÷ lean, ${sizeName(size)}`, 0.8, (job) =>
        coldRatio(input, { job, peer: 'lean', size }),
      ),
    ),
    ...perJob('init ÷ empty, warm-up off', 2, (job) =>
      ratio(find(figures, `lapse ${job}, warm-up off`, 'whole')?.init, empty?.init),
    ),
    ...perJob('first call ÷ warm p50, 256 MB', 1.2, (job) => {
      const ours = find(figures, `lapse ${job}`, 256);
      return ratio(ours?.first, ours?.warmP50);
    }),
  ];
}

function warmGoals({ figures, waiting }: GoalsInput): readonly Goal[] {
  const ours = (job: string, size: Size) => find(figures, `lapse ${job}`, size);
  const spread = (job: Job, size: Size) => ratio(ours(job, size)?.warmP99, ours(job, size)?.warmP50);
  const timed = ['whole', 256] as const satisfies readonly Size[];
  return [
    ...timed.flatMap((size) =>
      perJob(`warm p50 ÷ lean, ${sizeName(size)}`, 1, (job) =>
        ratio(ours(job, size)?.warmP50, find(figures, `lean ${job}`, size)?.warmP50),
      ),
    ),
    goal(
      'warm p50 of cancel ÷ its unavoidable waiting, 256 MB',
      1.2,
      ratio(ours('cancel', 256)?.warmP50, waiting.cancel),
    ),
    ...timed.flatMap((size) => perJob(`warm p99 ÷ p50, ${sizeName(size)}`, 1.4, (job) => spread(job, size))),
    goal(
      'warm p50 of a list page of 25 ÷ a single read',
      3,
      ratio(ours('list', 'whole')?.warmP50, ours('read', 'whole')?.warmP50),
    ),
  ];
}

function sizeGoals({ figures }: GoalsInput): readonly Goal[] {
  const of = (subject: string) => find(figures, subject, 'whole');
  const empty = of('empty nothing, once');
  return [
    ...perJob('bundle bytes ÷ typical', 0.25, (job) =>
      ratio(of(`lapse ${job}`)?.bundleBytes, of(`typical ${job}`)?.bundleBytes),
    ),
    ...perJob('peak memory ÷ empty', 1.75, (job) =>
      ratio(of(`lapse ${job}`)?.peakKilobytes, empty?.peakKilobytes),
    ),
  ];
}

const callGoals = ({ awsCalls, forgedMicros }: GoalsInput): readonly Goal[] => [
  goal('AWS calls of a new webhook', 1, awsCalls.webhook, 'calls'),
  goal('AWS calls of a duplicate webhook', 1, awsCalls['webhook, duplicate'], 'calls'),
  goal('AWS calls of a `canceled` webhook that is news', 2, awsCalls['webhook, canceled'], 'calls'),
  goal("AWS calls of a cancel, including the schedule's deletion", 4, awsCalls.cancel, 'calls'),
  goal('AWS calls of a registration, unseen request', 2, awsCalls['register, no session'], 'calls'),
  goal('AWS calls of a registration, unseen request of a session', 2, awsCalls.register, 'calls'),
  goal('AWS calls of a registration, webhook came first', 3, awsCalls['register, webhook first'], 'calls'),
  goal('calls of a forged webhook', 0, awsCalls['webhook, forged'], 'calls'),
  goal('CPU of a forged webhook', 50, forgedMicros, 'µs'),
];
