import { ask, type Reply } from './ask.ts';

/** A call that the page makes. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the page's own address: `/api/…`, `/klarna/…` or `/control/…`. */
  readonly path: string;
  readonly body?: unknown;
  /** The same call with the client. Without it, code uses `fetch`. */
  readonly client?: ClientCall;
}

/** A method of the client with its arguments, for one account. */
export interface ClientCall {
  readonly account: string;
  readonly method: 'register' | 'extend' | 'get' | 'cancel' | 'cancelSession' | 'reportAuthorization';
  readonly with: readonly unknown[];
}

/** What a button does. */
export interface Action {
  readonly text: string;
  /** Made in this order. A call that is refused ends the action. */
  readonly calls: readonly Call[];
  /** Why it is not possible now. */
  readonly obstacle?: string | undefined;
  /** Whether it ends something. */
  readonly ends?: boolean;
}

/** Makes the calls of an action. Returns the last response, or the first that was refused. */
export async function run(calls: readonly Call[]): Promise<Reply> {
  let reply: Reply = { status: 0, body: {} };
  for (const { method, path, body } of calls) {
    reply = await ask(method, path, body);
    if (reply.problem !== undefined) return reply;
  }
  return reply;
}
