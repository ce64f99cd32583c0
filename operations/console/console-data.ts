import type { LapseClient } from '../../client/lapse-client.ts';
import type { ListFilter, PaymentRequestRecord } from '../../client/responses.ts';
import { pathIdPattern, parsePaymentRequestId } from '../../functions/domain/identifiers.ts';
import { sessionStatusOf, type SessionStatus } from '../../functions/domain/session-status.ts';
import { attentions } from '../attention-commands.ts';

/** The API that the console reads by. */
export type ConsoleClient = Pick<LapseClient, 'get' | 'list' | 'reference'>;

/** How many records a list has at most. The API has no list of all sessions, and the page shows no more. */
const mostRecords = 100;

/** Which sessions to list. */
export interface SessionQuery {
  readonly status: SessionStatus | undefined;
  /** A whole id of a Payment Request or of a session, or a whole reference; empty for the newest open ones. */
  readonly search: string;
}

/**
 * Lists sessions by the indexes of the API, and never by reading the whole table. Without a search these are the newest open ones and
 * those that need a person.
 */
export async function listSessions(
  client: ConsoleClient,
  { status, search }: SessionQuery,
): Promise<{ readonly payment_requests: readonly PaymentRequestRecord[]; readonly more: boolean }> {
  const found = search === '' ? await newest(client) : await matching(client, search);
  const unique = [...new Map(found.records.map((record) => [record.payment_request_id, record])).values()];
  const bySession = new Map<string, PaymentRequestRecord[]>();
  for (const record of unique) {
    const name = record.session_id ?? `request ${record.payment_request_id}`;
    bySession.set(name, [...(bySession.get(name) ?? []), record]);
  }
  const sessions = [...bySession.values()].filter(
    (records) => status === undefined || statusOf(records) === status,
  );
  return { payment_requests: sessions.flat(), more: found.more };
}

/** What waits, or waited, for the first Payment Request with this whole reference. No index lists all that wait. */
export async function listReferences(client: ConsoleClient, search: string): Promise<readonly object[]> {
  if (!pathIdPattern.test(search) || parsePaymentRequestId(search)) return [];
  const { reference, awaited } = (await client.reference(search)) ?? {};
  return awaited ? [{ reference, ...awaited }] : [];
}

/** The requests of an account that need a person. */
export async function listAttention(client: ConsoleClient): Promise<readonly PaymentRequestRecord[]> {
  const found = await Promise.all(attentions.map((attention) => some(client, { attention })));
  return found.flatMap(({ records }) => records);
}

async function newest(client: ConsoleClient) {
  const [open, attention] = await Promise.all([some(client, {}), listAttention(client)]);
  return { records: [...open.records, ...attention], more: true };
}

async function matching(client: ConsoleClient, search: string) {
  const id = parsePaymentRequestId(search);
  if (id) {
    const record = await client.get(id);
    return { records: record ? [record] : [], more: false };
  }
  // A part of an id has no index: the page says that whole ones are searched.
  if (!pathIdPattern.test(search)) return { records: [], more: true };
  const [ofSession, ofReference] = await Promise.all([
    some(client, { session_id: search }),
    some(client, { reference: search }),
  ]);
  const records = [...ofSession.records, ...ofReference.records];
  return { records, more: records.length === 0 || ofSession.more || ofReference.more };
}

async function some(client: ConsoleClient, filter: ListFilter) {
  const records: PaymentRequestRecord[] = [];
  for await (const record of client.list(filter)) {
    if (records.length === mostRecords) return { records, more: true };
    records.push(record);
  }
  return { records, more: false };
}

const statusOf = (records: readonly PaymentRequestRecord[]): SessionStatus =>
  sessionStatusOf(
    records.map(({ state, confirmation }) => ({
      state: state ?? undefined,
      isLapsed: confirmation === 'lapsed',
    })),
  );
