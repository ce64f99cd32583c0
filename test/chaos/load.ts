import { setTimeout as wait } from 'node:timers/promises';
import type { Draws } from '../simulation/draws.ts';
import type { SystemResponse, SystemClient } from '../support/system-client.ts';

/** What a success response promises. `canceled`: Klarna has canceled it. `settled`: the end of the cancel will be known. */
export type Promised =
  { readonly kind: 'deadline'; readonly at: string } | { readonly kind: 'canceled' | 'settled' };

/** A Payment Request at Klarna, and the promises that the shop got for its session. */
export interface Session {
  readonly id: string;
  /** Every success response, oldest first. Empty if the registration was not acknowledged. */
  readonly promised: Promised[];
  /** Whether the simulator confirmed the customer's approval. */
  approved: boolean;
}

/** The length of sessions, and the time between them. */
export interface LoadShape {
  /** The shortest and the longest session timeout, in seconds. */
  readonly sessionSeconds: readonly [number, number];
  /** Between one session of a lane and the next. */
  readonly pauseMillis: number;
}

export interface Load {
  readonly sessions: readonly Session[];
  /** The number of calls without a success response. */
  readonly refused: () => number;
  /** Ends the load, and waits for the sessions in progress. */
  stop(): Promise<void>;
}

const lanes = 3;
const longestCallMillis = 8_000;

/** Only a response within eight seconds is an acknowledgement. */
const orNothing = <Value>(response: Promise<Value>): Promise<Value | undefined> =>
  Promise.race([response.catch(() => undefined), wait(longestCallMillis, undefined, { ref: false })]);

/**
 * Sessions in lanes, one after the other, until it is told to stop. A third of the customers approve. The shop cancels a third of
 * the sessions, by request or by session, and extends a sixth. The rest time out. Klarna sends a webhook for every state.
 *
 * @param system the system, which may have other ports after a restart.
 * @param chance decides by the seed which customers pay, and how long sessions are.
 */
export function startLoad(system: () => SystemClient, chance: Draws, shape: LoadShape): Load {
  const sessions: Session[] = [];
  let refused = 0;
  let stopped = false;

  /** The body of a success. */
  const acknowledged = async (call: Promise<SystemResponse>): Promise<SystemResponse['body'] | undefined> => {
    const response = await orNothing(call);
    if (response && response.status < 300) return response.body;
    refused += 1;
    return undefined;
  };
  const timeout = (): string => `PT${chance.between(...shape.sessionSeconds)}S`;

  const play = async (): Promise<void> => {
    const [first, second, fate] = [timeout(), timeout(), chance.next()];
    const id = await orNothing(system().createAtKlarna({ announce: true }));
    if (id === undefined) return;
    const session: Session = { id, promised: [], approved: false };
    sessions.push(session);
    const { promised } = session;
    const sessionId = `session-of-${id}`;
    const registered = await acknowledged(
      system().register(id, { session_timeout: first, session_id: sessionId }),
    );
    if (!registered) return;
    promised.push({ kind: 'deadline', at: String(registered['deadline_at']) });
    if (fate < 1 / 3) {
      await orNothing(system().customer(id, 'start'));
      const approval = system().customer(id, 'approve');
      session.approved = (await orNothing(approval.then(() => true))) === true;
    } else if (fate < 1 / 2) {
      const canceled = await acknowledged(system().cancel(id));
      if (canceled) promised.push(promiseOf(canceled['outcome']));
    } else if (fate < 2 / 3) {
      const canceled = await acknowledged(system().api('DELETE', `/sessions/${sessionId}`));
      const members = (canceled?.['payment_requests'] ?? []) as readonly Record<string, unknown>[];
      promised.push(...members.map(({ outcome }) => promiseOf(outcome)));
    } else if (fate < 5 / 6) {
      const extended = await acknowledged(
        system().api('PATCH', `/payment-requests/${id}`, { session_timeout: second }),
      );
      if (extended) promised.push({ kind: 'deadline', at: String(extended['deadline_at']) });
    }
  };
  const lane = async (): Promise<void> => {
    while (!stopped) {
      await play();
      await wait(shape.pauseMillis);
    }
  };
  const running = Promise.all(Array.from({ length: lanes }, lane));
  return {
    sessions,
    refused: () => refused,
    async stop() {
      stopped = true;
      await running;
    },
  };
}

const promiseOf = (outcome: unknown): Promised =>
  outcome === 'canceled' || outcome === 'already_canceled' ? { kind: 'canceled' } : { kind: 'settled' };
