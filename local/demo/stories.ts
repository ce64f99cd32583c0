import { setTimeout as wait } from 'node:timers/promises';
import type { JsonResponse } from '../shared/json-call.ts';

/** What a story can do. Every action appears on the timeline by itself. */
export interface Stage {
  /** Calls Lapse about the story's Payment Request: `PUT`, `PATCH`, `DELETE`. */
  readonly lapse: (method: string, body?: unknown) => Promise<JsonResponse>;
  /** The customer at Klarna: `start`, `approve`, `step-back`, `abandon`. */
  readonly customer: (action: string) => Promise<void>;
  /** Injects a fault at Klarna. */
  readonly fault: (fault: Readonly<Record<string, unknown>>) => Promise<void>;
  /** Resolves when the record meets the condition, and then prints these words; or after ten seconds. */
  readonly until: (
    wanted: (record: Readonly<Record<string, unknown>>) => boolean,
    words: string,
  ) => Promise<void>;
}

export interface Story {
  readonly name: string;
  /** The expected final state, at Klarna and in the record. */
  readonly ending: 'CANCELED' | 'COMPLETED';
  readonly play: (stage: Stage) => Promise<void>;
}

const seconds = (count: number): Promise<void> => wait(count * 1_000);
const timerIsOver = ({ timer }: Readonly<Record<string, unknown>>): boolean => timer === 'fired';

/** One story for each way in which a session can end. They are played at the same time. */
export const stories: readonly Story[] = [
  {
    name: 'abandoned',
    ending: 'CANCELED',
    play: async ({ lapse, customer, until }) => {
      await lapse('PUT', { session_timeout: 'PT5S', reference: 'order-1' });
      await seconds(1);
      await customer('start');
      await seconds(1);
      await customer('abandon');
      await until(({ final }) => final === true, 'the deadline has passed: canceled');
    },
  },
  {
    name: 'paid in time',
    ending: 'COMPLETED',
    play: async ({ lapse, customer, until }) => {
      await lapse('PUT', { session_timeout: 'PT6S', reference: 'order-2' });
      await seconds(1.4);
      await customer('start');
      await seconds(1);
      await customer('approve');
      await until(timerIsOver, 'the deadline has passed: paid, not canceled');
    },
  },
  {
    name: 'canceled, twice',
    ending: 'CANCELED',
    play: async ({ lapse }) => {
      await lapse('PUT', { session_timeout: 'PT10M', reference: 'order-3' });
      await seconds(2.7);
      await lapse('DELETE');
      await seconds(0.6);
      await lapse('DELETE');
    },
  },
  {
    name: 'webhooks disordered',
    ending: 'COMPLETED',
    play: async ({ lapse, customer, fault, until }) => {
      await lapse('PUT', { session_timeout: 'PT7S', reference: 'order-4' });
      await fault({ on: 'webhook', kind: 'reorder' });
      await seconds(0.8);
      await customer('start');
      await fault({ on: 'webhook', kind: 'duplicate', times: 3 });
      await seconds(0.8);
      await customer('step-back');
      await seconds(0.8);
      await customer('start');
      await seconds(0.8);
      await customer('approve');
      await until(timerIsOver, 'the deadline has passed: paid, not canceled');
    },
  },
  {
    name: 'paid, last instant',
    ending: 'COMPLETED',
    play: async ({ lapse, customer, fault, until }) => {
      await lapse('PUT', { session_timeout: 'PT4S', reference: 'order-5' });
      await seconds(2);
      await customer('start');
      // The customer approves after Lapse has read IN_PROGRESS and before its DELETE arrives.
      await fault({ on: 'cancel', kind: 'approve-first' });
      await until(({ state }) => state === 'COMPLETED', 'the deadline has passed: paid, not canceled');
    },
  },
];
