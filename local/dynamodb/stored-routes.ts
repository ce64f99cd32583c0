import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { parseAccount } from '../../functions/domain/identifiers.ts';
import { viewOf } from '../../functions/http/payment-request-view.ts';
import type { ForwardedResponse } from '../aws/control.ts';
import { StoredSessions } from './stored-sessions.ts';

const statuses = ['open', 'paid', 'ended'] as const;

/** How many sessions a response has at most. */
const listedSessions = 50;

/** Responds to a call of the control address about what is stored, or returns `undefined` for another path. */
export type StoredRoutes = (path: string, query: URLSearchParams) => Promise<ForwardedResponse | undefined>;

/** Shows what the table has, past the stand-in that injects faults. */
export function storedRoutes(dynamodbUrl: string, tableName: string): StoredRoutes & Disposable {
  const client = new DynamoDBClient({
    endpoint: dynamodbUrl,
    region: 'local',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const sessions = new StoredSessions(client, tableName);
  const routes: StoredRoutes = (path, query) =>
    path === '/sessions' ? listSessions(sessions, query) : Promise.resolve(undefined);
  return Object.assign(routes, { [Symbol.dispose]: () => client.destroy() });
}

async function listSessions(sessions: StoredSessions, query: URLSearchParams): Promise<ForwardedResponse> {
  const account = parseAccount(query.get('account') ?? '');
  if (!account) return refused(`account is ${JSON.stringify(query.get('account'))}; allowed: an account.`);
  const given = query.get('status');
  const status = statuses.find((each) => each === given);
  if (given !== null && !status) {
    return refused(`status is ${JSON.stringify(given)}; allowed: ${statuses.join(', ')}.`);
  }
  const search = query.get('search') ?? '';
  const { records, more } = await sessions.newest({ account, status, search, limit: listedSessions });
  return { status: 200, body: { payment_requests: records.map(viewOf), more } };
}

const refused = (error: string): ForwardedResponse => ({ status: 400, body: { error } });
