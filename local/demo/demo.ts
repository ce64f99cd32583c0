import { setTimeout as wait } from 'node:timers/promises';
import { styleText } from 'node:util';
import type { LocalSystem } from '../local-system.ts';
import { callJson, type JsonResponse } from '../shared/json-call.ts';
import { stories, type Stage, type Story } from './stories.ts';
import { SessionBoard, type Terminal } from './session-board.ts';
import { type Narrator, table, Timeline } from './timeline.ts';
import { type PublishedEvent, watchEvents, watchKlarna } from './watch.ts';

/** The addresses that the demonstration uses. */
type Addresses = Pick<LocalSystem, 'api' | 'klarna' | 'control'>;

const account = 'demo';
const waitLimitMillis = 10_000;

interface Played {
  readonly story: Story;
  readonly paymentRequestId: string;
}

/**
 * Plays the stories at the same time on a running system, through its public addresses only, and prints each step. Then prints
 * every session's state at Klarna and in the record, and the published events. False when a session ended otherwise than expected.
 *
 * @param terminal shows one line for each session there instead of each step
 */
export async function playDemo(
  system: Addresses,
  print: (line: string) => void = console.log,
  terminal?: Terminal,
): Promise<boolean> {
  const stop = new AbortController();
  const played: readonly Played[] = await Promise.all(
    stories.map(async (story) => ({ story, paymentRequestId: await createAtKlarna(system) })),
  );
  const events: PublishedEvent[] = [];
  print('');
  const names = stories.map(({ name }) => name);
  const timeline = terminal ? new SessionBoard(terminal, names) : new Timeline(print);
  const watching = watch(system, { played, timeline, events, stop: stop.signal });
  await Promise.all(
    played.map(({ story, paymentRequestId }) =>
      story.play(stageFor(system, story, paymentRequestId, timeline)),
    ),
  );
  await wait(500); // The last webhooks and events arrive meanwhile.
  stop.abort();
  await watching;

  const endings = await Promise.all(played.map((each) => endingOf(system, each)));
  const headings = ['session', 'at Klarna', 'in the record', 'result', 'DELETEs sent', 'evidence'];
  const rows = events.map((event) => [
    eventText(event),
    nameIn(played, event.detail['payment_request_id']) ?? '',
    textOf(event.detail['cause']),
  ]);
  const lines = [
    '',
    ...table(
      headings,
      endings.map(({ row }) => row),
    ),
    '',
    ...table(['published', 'session', 'cause'], rows),
    ...endings.flatMap(({ violation }) => (violation === undefined ? [] : ['', violation])),
  ];
  for (const line of lines) print(line);
  return endings.every(({ violation }) => violation === undefined);
}

interface Watched {
  readonly played: readonly Played[];
  readonly timeline: Narrator;
  /** Filled with the events of the stories. */
  readonly events: PublishedEvent[];
  readonly stop: AbortSignal;
}

/** Shows what Klarna receives and sends, and what Lapse publishes, until stopped. */
async function watch(system: Addresses, { played, timeline, events, stop }: Watched): Promise<void> {
  const klarna = watchKlarna(
    system,
    ({ paymentRequestId, actor, text }) => {
      const name = nameIn(played, paymentRequestId);
      if (name !== undefined) timeline.show(name, actor, text);
    },
    stop,
  );
  const bus = watchEvents(
    system,
    (event) => {
      const name = nameIn(played, event.detail['payment_request_id']);
      if (name === undefined) return;
      events.push(event);
      timeline.show(name, 'lapse', `publishes ${eventText(event)}`);
    },
    stop,
  ).catch((error: unknown) => {
    if (!stop.aborted) throw error;
  });
  await Promise.all([klarna, bus]);
}

const nameIn = (played: readonly Played[], id: unknown): string | undefined =>
  played.find(({ paymentRequestId }) => paymentRequestId === id)?.story.name;

/** Three lines for the reader's own shell, on a Payment Request made for them. */
export async function linesToTry(system: Addresses): Promise<readonly string[]> {
  const url = recordUrl(system, await createAtKlarna(system));
  return [
    `curl -X PUT ${url} -H 'content-type: application/json' -d '{"session_timeout":"PT30S"}'`,
    `curl ${url}`,
    `curl -X DELETE ${url}`,
  ];
}

function stageFor(system: Addresses, { name }: Story, id: string, timeline: Narrator): Stage {
  const simulated = `${system.klarna}/_simulator`;
  return {
    lapse: async (method, body) => {
      const response = await callJson(method, recordUrl(system, id), body);
      timeline.show(
        name,
        'shop',
        `${method}${body === undefined ? '' : ` ${JSON.stringify(body)}`}: ${responseText(response)}`,
      );
      return response;
    },
    customer: async (action) => {
      timeline.show(name, 'customer', actionTexts[action] ?? action);
      await callJson('POST', `${simulated}/payment-requests/${id}/${action}`, {});
    },
    fault: async (fault) => {
      await callJson('POST', `${simulated}/faults`, { payment_request_id: id, ...fault });
    },
    until: async (wanted, words) => {
      const end = performance.now() + waitLimitMillis;
      while (performance.now() < end) {
        if (wanted((await callJson('GET', recordUrl(system, id))).body)) {
          timeline.show(name, 'lapse', styleText('bold', words));
          return;
        }
        await wait(50);
      }
    },
  };
}

const actionTexts: Readonly<Record<string, string>> = {
  start: 'opens Klarna',
  approve: 'approves the payment',
  'step-back': 'goes back to the shop',
  abandon: 'closes the window',
};

async function createAtKlarna({ klarna }: Addresses): Promise<string> {
  const { body } = await callJson('POST', `${klarna}/_simulator/payment-requests`, { announce: true });
  return textOf(body['payment_request_id']);
}

const recordUrl = ({ api }: Addresses, id: string): string =>
  `${api}/accounts/${account}/payment-requests/${id}`;

interface Ending {
  readonly row: readonly string[];
  /** Set when the session ended otherwise than expected. */
  readonly violation: string | undefined;
}

async function endingOf(system: Addresses, { story, paymentRequestId }: Played): Promise<Ending> {
  const simulated = `${system.klarna}/_simulator`;
  const { payment_requests } = (await callJson('GET', `${simulated}/payment-requests`)).body as {
    payment_requests: { payment_request_id: string; state: string }[];
  };
  const { calls } = (await callJson('GET', `${simulated}/calls`)).body as {
    calls: { payment_request_id: string | null; method: string }[];
  };
  const { body: record } = await callJson('GET', recordUrl(system, paymentRequestId));
  const atKlarna =
    payment_requests.find((each) => each.payment_request_id === paymentRequestId)?.state ?? 'deleted';
  const inRecord = textOf(record['state']);
  const deletes = calls.filter(
    (call) => call.payment_request_id === paymentRequestId && call.method === 'DELETE',
  ).length;
  const evidence = record['evidence'] as { source?: string } | null;
  const { name, ending } = story;
  const wrong = [atKlarna, inRecord].find((state) => state !== ending);
  return {
    row: [
      name,
      atKlarna,
      inRecord,
      wrong === undefined ? 'as expected' : `expected ${ending}`,
      String(deletes),
      evidence?.source ?? 'none',
    ],
    violation:
      wrong === undefined
        ? undefined
        : `Session "${name}" ended as ${wrong}, expected ${ending}: see the log.`,
  };
}

const eventText = ({ 'detail-type': type, detail }: PublishedEvent): string =>
  type === 'Payment Request State Changed' ? `${type}: ${textOf(detail['state'])}` : type;

function responseText({ status, body }: JsonResponse): string {
  const said =
    body['outcome'] ?? (body['timer'] === undefined ? body['title'] : `timer ${textOf(body['timer'])}`);
  return styleText('bold', `${status} ${textOf(said)}`);
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
