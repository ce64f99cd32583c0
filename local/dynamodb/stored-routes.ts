import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDbQuarantine } from '../../functions/adapters/dynamodb/dynamodb-quarantine.ts';
import { parseAccount } from '../../functions/domain/identifiers.ts';
import { formatInstant } from '../../functions/domain/instant.ts';
import type { StoredDelivery } from '../../functions/domain/quarantined-delivery.ts';
import { viewOf } from '../../functions/http/payment-request-view.ts';
import { awaitedView } from '../../functions/http/session-response.ts';
import type { ForwardedResponse, StoredRoutes } from '../aws/control.ts';
import { StoredReferences } from './stored-references.ts';
import { StoredSessions } from './stored-sessions.ts';

const statuses = ['open', 'paid', 'ended'] as const;

/** How many sessions a response has at most. */
const listedSessions = 50;

/** Shows what the table has, past the stand-in that injects faults. */
export function storedRoutes(dynamodbUrl: string, tableName: string): StoredRoutes & Disposable {
  const client = new DynamoDBClient({
    endpoint: dynamodbUrl,
    region: 'local',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const sessions = new StoredSessions(client, tableName);
  const references = new StoredReferences(client, tableName);
  // Nothing is written, so the retention does not matter.
  const quarantine = new DynamoDbQuarantine({ client, tableName, retentionDays: 1 });
  const routes: StoredRoutes = async (path, query) => {
    if (path === '/sessions') return listSessions(sessions, query);
    if (path === '/references') return listReferences(references, query);
    if (path !== '/quarantine') return undefined;
    return { status: 200, body: (await Array.fromAsync(quarantine.all())).map(shownDelivery) };
  };
  return Object.assign(routes, { [Symbol.dispose]: () => client.destroy() });
}

async function listSessions(sessions: StoredSessions, query: URLSearchParams): Promise<ForwardedResponse> {
  const account = parseAccount(query.get('account') ?? '');
  if (!account) return noAccount(query);
  const given = query.get('status');
  const status = statuses.find((each) => each === given);
  if (given !== null && !status) {
    return refused(`status is ${JSON.stringify(given)}; allowed: ${statuses.join(', ')}.`);
  }
  const search = query.get('search') ?? '';
  const { records, more } = await sessions.newest({ account, status, search, limit: listedSessions });
  return { status: 200, body: { payment_requests: records.map(viewOf), more } };
}

async function listReferences(
  references: StoredReferences,
  query: URLSearchParams,
): Promise<ForwardedResponse> {
  const account = parseAccount(query.get('account') ?? '');
  if (!account) return noAccount(query);
  const found = await references.matching(account, query.get('search') ?? '');
  return {
    status: 200,
    body: found.map((awaited) => ({ reference: awaited.reference, ...awaitedView(awaited) })),
  };
}

const noAccount = (query: URLSearchParams): ForwardedResponse =>
  refused(`account is ${JSON.stringify(query.get('account'))}; allowed: 1 to 32 of a-z, 0-9 and -.`);

const shownDelivery = ({ signingKeyId, deliveryId, reason, receivedAt, facts, replay }: StoredDelivery) => ({
  signing_key_id: signingKeyId,
  delivery_id: deliveryId,
  reason,
  received_at: formatInstant(receivedAt),
  event_type: facts.eventType ?? null,
  payment_request_id: facts.paymentRequestId ?? null,
  state: facts.state ?? null,
  replay: replay ?? null,
});

const refused = (error: string): ForwardedResponse => ({ status: 400, body: { error } });
