/** The parts of the screen of `lapse status`, each read by itself. */
import type { Overview } from '../../functions/application/view-accounts.ts';
import type { DeadLetters, QuotaUse } from '../doctor/aws-checks.ts';

/** An alarm that is raised. */
export interface RaisedAlarm {
  readonly name: string;
  /** What happens to shoppers, and what to do first. */
  readonly description: string;
  readonly since: string | undefined;
}

/** How late sessions end. Milliseconds; `undefined` where nothing was reported. */
export interface Lateness {
  /** The longest time from a deadline to its end in the last hour. */
  readonly longest: number | undefined;
  /** How long the oldest session is open after its deadline, and how long the oldest cancel is without an end. */
  readonly overdueSession: number | undefined;
  readonly pendingCancel: number | undefined;
}

/** Klarna's responses of the last hour. */
export interface KlarnaResponses {
  readonly count: number;
  /** Responses that leave the result open: timeouts, 5xx and 429. */
  readonly unclear: number;
  /** Milliseconds; `undefined` where there was no response. */
  readonly median: number | undefined;
  readonly slowest: number | undefined;
}

/** What is read. Each rejects with the error of AWS. */
export interface StatusReads {
  readonly alarms: () => Promise<readonly RaisedAlarm[]>;
  readonly overview: () => Promise<Overview>;
  readonly lateness: () => Promise<Lateness>;
  readonly klarna: () => Promise<KlarnaResponses>;
  readonly deadLetters: () => Promise<readonly DeadLetters[]>;
  readonly quotas: () => Promise<readonly QuotaUse[]>;
}

/** A part that was read: its values for `--json`, and its line. */
export interface ReadPart {
  readonly values: Readonly<Record<string, unknown>>;
  readonly line: string;
  /** Whether it shows something that an operator must act on. */
  readonly isRaised?: boolean;
}

/** A part of the screen. */
export interface StatusPart {
  readonly name: string;
  /** What it needs to be allowed. */
  readonly needs: string;
  /** Why a local system does not have it; absent for a part that it has. */
  readonly notLocal?: string;
  readonly read: (reads: StatusReads) => Promise<ReadPart>;
}

const queries = 'dynamodb:Query on the indexes due, attention and open of the table';

/** The parts, in the order in which an operator looks at them. */
export const statusParts: readonly StatusPart[] = [
  {
    name: 'alarms',
    needs: 'cloudwatch:DescribeAlarms',
    notLocal: 'a local system has no alarms',
    read: async ({ alarms }) => {
      const raised = await alarms();
      return {
        values: { raised },
        line:
          raised.length === 0
            ? 'none raised'
            : raised
                .map(({ name, since, description }) => `${name} since ${since ?? 'unknown'}: ${description}`)
                .join('\n'),
        isRaised: raised.length > 0,
      };
    },
  },
  {
    name: 'overdue',
    needs: queries,
    read: async ({ overview }) => countsOf((await overview()).overdue),
  },
  {
    name: 'lateness',
    needs: 'cloudwatch:GetMetricData',
    notLocal: 'a local system has no metrics',
    read: async ({ lateness }) => {
      const { longest, overdueSession, pendingCancel } = await lateness();
      return {
        values: {
          longest_ms: longest,
          overdue_session_ms: overdueSession,
          pending_cancel_ms: pendingCancel,
        },
        line: `longest in the last hour ${timeOf(longest)}; oldest overdue session ${timeOf(overdueSession)}; oldest pending cancel ${timeOf(pendingCancel)}`,
      };
    },
  },
  {
    name: 'open',
    needs: queries,
    read: async ({ overview }) => countsOf((await overview()).open),
  },
  {
    name: 'attention',
    needs: queries,
    read: async ({ overview }) => countsOf((await overview()).attention),
  },
  {
    name: 'quarantine',
    needs: queries,
    read: async ({ overview }) => {
      const { count, isWhole } = (await overview()).quarantine;
      return { values: { count, is_whole: isWhole }, line: numberOf(count, isWhole) };
    },
  },
  {
    name: 'dead letters',
    needs: 'sqs:GetQueueAttributes on the three dead-letter queues',
    read: async ({ deadLetters }) => {
      const queues = await deadLetters();
      return {
        values: { queues },
        line: queues
          .map(({ queue, messages, command }) =>
            messages === 0 ? `${queue} 0` : `${queue} ${messages} (${command})`,
          )
          .join('; '),
      };
    },
  },
  {
    name: 'Klarna',
    needs: 'cloudwatch:GetMetricData',
    notLocal: 'a local system has no metrics',
    read: async ({ klarna }) => {
      const { count, unclear, median, slowest } = await klarna();
      const percent = count === 0 ? 0 : Math.round((unclear * 1_000) / count) / 10;
      return {
        values: { responses: count, unclear, median_ms: median, slowest_ms: slowest },
        line: `${count} responses in the last hour: median ${timeOf(median)}, slowest ${timeOf(slowest)}, ${unclear} unclear (${percent} %)`,
      };
    },
  },
  {
    name: 'quotas',
    needs: 'lambda:GetAccountSettings, servicequotas:ListServiceQuotas and cloudwatch:GetMetricData',
    notLocal: 'a local system has no quotas',
    read: async ({ quotas }) => {
      const all = await quotas();
      return {
        values: { quotas: all },
        line: all
          .map(
            ({ name, quota, used }) =>
              `${name} ${used === undefined ? 'no use' : `${Math.round((used * 100) / quota)} %`}`,
          )
          .join('; '),
      };
    },
  },
];

function countsOf({ count, isWhole, largest, first }: Overview['open']): ReadPart {
  const accounts = largest.map(({ account, count: its }) => `${account} ${its}`).join(', ');
  return {
    values: { count, is_whole: isWhole, largest, oldest: first[0]?.at },
    line: count === 0 ? '0' : `${numberOf(count, isWhole)} (${accounts})`,
  };
}

const numberOf = (count: number, isWhole: boolean): string => (isWhole ? String(count) : `at least ${count}`);

/** A time as a person reads it. */
function timeOf(millis: number | undefined): string {
  if (millis === undefined) return 'not reported';
  if (millis < 10_000) return `${Math.round(millis)} ms`;
  return millis < 600_000 ? `${Math.round(millis / 1_000)} s` : `${Math.round(millis / 60_000)} min`;
}
