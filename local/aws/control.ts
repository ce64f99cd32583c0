import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import * as v from 'valibot';
import type { Clocks } from '../clock/clock-control.ts';
import { readJson } from '../shared/read-json.ts';
import { faultSchema, faultTargets } from './faults/fault.ts';
import type { AwsServer } from './server.ts';
import { readBody } from './wire/read-body.ts';

/** What somebody else answers to a fault that is passed on. */
export interface ForwardedResponse {
  readonly status: number;
  /** Sent as JSON. */
  readonly body: unknown;
}

/** Takes a fault, without its `target`, and answers. */
export type ForwardFault = (fault: Readonly<Record<string, unknown>>) => Promise<ForwardedResponse>;

export interface ControlOptions {
  readonly aws: AwsServer;
  /** Takes the faults with the target `klarna`; without it they are refused. */
  readonly forwardKlarnaFault?: ForwardFault;
  /** Takes the faults with the target `lambda`; without it they are refused. */
  readonly injectFunctionFault?: ForwardFault;
  /** What the functions have been called for; without it `GET /calls` tells of AWS only. */
  readonly functionCalls?: () => Readonly<Record<string, unknown>>;
  /** Ends the faults of others than AWS, when all faults are cleared. */
  readonly clearFaults?: () => Promise<void>;
  /** What the time is and who goes wrong; without it `/clock` is refused. */
  readonly clocks?: Pick<Clocks, 'show' | 'set'>;
  /** The stack's outputs, for the operator's command line; without them `GET /outputs` is empty. */
  readonly outputs?: Readonly<Record<string, string>>;
  /** Runs what recurs, now, and says how each run ended; without it `POST /sweep` is refused. */
  readonly runRecurringSchedules?: () => Promise<readonly string[]>;
}

/** Serves the control address: what was published, what is scheduled, what was given up, and what is to go wrong. */
export function createControlListener({
  aws,
  forwardKlarnaFault,
  injectFunctionFault,
  clearFaults = () => Promise.resolve(),
  clocks,
  functionCalls = () => ({}),
  outputs = {},
  runRecurringSchedules,
}: ControlOptions): RequestListener {
  const forwards = new Map(
    Object.entries({ klarna: forwardKlarnaFault, lambda: injectFunctionFault }).flatMap(
      ([target, forward]) => (forward ? [[target, forward] as const] : []),
    ),
  );
  const targets = [...faultTargets, ...forwards.keys()];

  async function injectFault(request: IncomingMessage): Promise<ForwardedResponse> {
    const text = (await readBody(request)).toString('utf8');
    const addressed = readJson(addressedSchema, text);
    if ('violation' in addressed) return refused(400, addressed.violation);
    const { target, ...fault } = addressed.value;
    const forward = forwards.get(target);
    if (forward) return forward(fault);
    if (!(faultTargets as readonly string[]).includes(target)) {
      return refused(400, `target is ${JSON.stringify(target)}; allowed: ${targets.join(' | ')}.`);
    }
    const read = readJson(faultSchema, text);
    if ('violation' in read) return refused(400, read.violation);
    aws.faults.inject(read.value);
    return { status: 201, body: read.value };
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '', query = ''] = (request.url ?? '').split('?');
    switch (`${request.method ?? ''} ${path}`) {
      case 'GET /events':
        await sendEvents(aws, new URLSearchParams(query), response);
        return;
      case 'GET /calls':
        sendJson(response, { status: 200, body: { aws: aws.calls(), functions: functionCalls() } });
        return;
      case 'GET /outputs':
        sendJson(response, { status: 200, body: { Lapse: outputs } });
        return;
      case 'GET /schedules':
        sendJson(response, { status: 200, body: aws.schedules.list().map(shownSchedule) });
        return;
      case 'GET /dead-letters':
        sendJson(response, { status: 200, body: aws.queues.deadLetters().map(shownDeadLetter) });
        return;
      case 'POST /faults':
        sendJson(response, await injectFault(request));
        return;
      case 'GET /faults':
        sendJson(response, { status: 200, body: { faults: aws.faults.list() } });
        return;
      case 'DELETE /faults':
        aws.faults.clear();
        await clearFaults();
        response.writeHead(204).end();
        return;
      case 'POST /sweep':
        sendJson(
          response,
          runRecurringSchedules
            ? { status: 200, body: { runs: await runRecurringSchedules() } }
            : refused(404, 'There is nothing here that recurs.'),
        );
        return;
      case 'GET /clock':
        sendJson(response, clocks ? { status: 200, body: clocks.show() } : noClock);
        return;
      case 'POST /clock': {
        const text = (await readBody(request)).toString('utf8');
        const wrong = await clocks?.set(text);
        sendJson(
          response,
          wrong ? refused(400, wrong.violation) : clocks ? { status: 200, body: clocks.show() } : noClock,
        );
        return;
      }
      default:
        sendJson(
          response,
          refused(
            404,
            `There is no ${request.method ?? ''} ${path}; allowed: GET /events, /schedules, /dead-letters, /calls and /outputs, ` +
              'GET, POST and DELETE /faults, GET and POST /clock, and POST /sweep.',
          ),
        );
    }
  }

  return (request, response) => {
    serve(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else sendJson(response, refused(500, String(error)));
    });
  };
}

const addressedSchema = v.looseObject({ target: v.string() });

const noClock: ForwardedResponse = {
  status: 404,
  body: { error: 'There is no clock here that could be set.' },
};

const refused = (status: number, error: string): ForwardedResponse => ({ status, body: { error } });

type Shown<List extends (...args: never[]) => readonly unknown[]> = ReturnType<List>[number];

const shownSchedule = ({ name, group, firesAt, document }: Shown<AwsServer['schedules']['list']>) => ({
  name,
  group,
  fires_at: new Date(firesAt).toISOString(),
  state: document.State,
  target: document.Target.Arn,
  input: document.Target.Input,
});

const shownDeadLetter = (letter: Shown<AwsServer['queues']['deadLetters']>) => ({
  queue: letter.queueName,
  message_id: letter.id,
  sent_at: letter.sentAt.toISOString(),
  receive_count: letter.receiveCount,
  body: letter.body,
  attributes: Object.fromEntries(
    Object.entries(letter.attributes).map(([name, { stringValue, binaryValue }]) => [
      name,
      stringValue ?? binaryValue,
    ]),
  ),
});

function sendJson(response: ServerResponse, { status, body }: ForwardedResponse): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** One event a line. A follower who reads slowly is waited for, and one who goes away ends it. */
async function sendEvents(
  { events }: AwsServer,
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  const follow = query.get('follow') === 'true';
  const last = query.get('last');
  if (last !== null && !(follow && /^\d{1,6}$/.test(last))) {
    const given = `last is ${JSON.stringify(last)}`;
    sendJson(response, refused(400, `${given}; allowed: a whole number below a million, with follow=true.`));
    return;
  }
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  await pipeline(
    linesOf(follow ? events.follow(gone.signal, last === null ? undefined : Number(last)) : events.texts()),
    response,
  );
}

async function* linesOf(texts: AsyncIterable<string> | Iterable<string>): AsyncGenerator<string, void> {
  for await (const text of texts) yield `${text}\n`;
}
