import { readJson } from '../../functions/contract/read-json.ts';
import type { Printer } from '../printer.ts';

/** What an event says that commands show and filter by. docs/events has the schemas. */
export interface PublishedEvent {
  readonly id: string;
  readonly 'detail-type': string;
  readonly detail: {
    readonly account: string;
    readonly payment_request_id: string;
    readonly session_id: string | null;
    readonly reference: string | null;
    readonly state: string | null;
    readonly cause: string | null;
    readonly recorded_at: string;
    readonly event_key: string;
  };
}

/** Which events to show. Each filter narrows it. */
export interface EventFilter {
  readonly account?: string | undefined;
  /** A Payment Request. */
  readonly id?: string | undefined;
  readonly session?: string | undefined;
}

/** The filter as fields of an event's detail. */
export const wantedDetail = ({ account, id, session }: EventFilter): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries({ account, payment_request_id: id, session_id: session }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );

/** The event in a text of JSON; `undefined` for anything that is not from Lapse. */
export function eventIn(text: string): PublishedEvent | undefined {
  const value = readJson(text) as Partial<PublishedEvent & { readonly source: string }> | undefined;
  return value?.source === 'lapse' && typeof value.detail === 'object'
    ? (value as PublishedEvent)
    : undefined;
}

/** Shows an event: when it was recorded, its type, what it is about, and what happened. */
export function showEvent(print: Printer, event: PublishedEvent): void {
  const { detail } = event;
  const about = [detail.session_id, detail.reference].filter((each) => each !== null).join(' ');
  const facts = [detail.state, detail.cause].filter((each) => each !== null).join(' ');
  print.result(
    event,
    [
      print.colours.dim(detail.recorded_at),
      print.colours.bold(event['detail-type']),
      `${detail.account}/${detail.payment_request_id}`,
      facts,
      about,
    ]
      .filter((part) => part !== '')
      .join('  '),
  );
}
