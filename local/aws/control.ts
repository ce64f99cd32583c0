import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import * as v from 'valibot';
import type { ClockControl } from '../clock/clock-control.ts';
import { readWholeBody } from '../shared/read-body.ts';
import { checkedJson } from '../shared/checked-json.ts';
import { linesOfFile } from '../shared/follow-file.ts';
import { faultSchema, faultTargets } from './faults/fault.ts';
import type { AwsServer } from './server.ts';

/** The response to a forwarded fault. */
export interface ForwardedResponse {
  readonly status: number;
  /** Sent as JSON. */
  readonly body: unknown;
}

/** Receives a fault without its `target`, and responds. */
export type ForwardFault = (fault: Readonly<Record<string, unknown>>) => Promise<ForwardedResponse>;

/** Responds to a call of the control address about what is stored, or returns `undefined` for another path. */
export type StoredRoutes = (path: string, query: URLSearchParams) => Promise<ForwardedResponse | undefined>;

export interface ControlOptions {
  readonly aws: AwsServer;
  /** Receives the faults with the target `klarna`. Without it they are refused. */
  readonly forwardKlarnaFault?: ForwardFault;
  /** Receives the faults with the target `lambda`. Without it they are refused. */
  readonly injectFunctionFault?: ForwardFault;
  /** The calls of each function. Without it `GET /calls` lists those of AWS only. */
  readonly functionCalls?: () => Readonly<Record<string, unknown>>;
  /** Clears the faults outside the AWS stand-ins, when all faults are cleared. */
  readonly clearFaults?: () => Promise<void>;
  /** Shows and sets the clocks. Without it `/clock` is refused. */
  readonly clocks?: Pick<ClockControl, 'show' | 'set'>;
  /** The stack's outputs, for the operator's command line. Without them `GET /outputs` is empty. */
  readonly outputs?: Readonly<Record<string, string>>;
  /** The file with the log of the functions and the stand-ins. Without it `GET /log` is refused. */
  readonly logFile?: string;
  /** Runs the recurring schedules now, and returns how each run ended. Without it `POST /sweep` is refused. */
  readonly runRecurringSchedules?: () => Promise<readonly string[]>;
  /** Shows what the table has. Without it `GET /sessions` and `/quarantine` are refused. */
  readonly stored?: StoredRoutes;
}

/** Serves the control address: published events, sessions, quarantine, schedules, dead letters, calls, the log, faults, the clock, the sweep. */
export function createControlListener(options: ControlOptions): RequestListener {
  return (request, response) => {
    serve(options, request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else sendJson(response, refused(500, String(error)));
    });
  };
}

async function serve(
  options: ControlOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path = '', query = ''] = (request.url ?? '').split('?');
  switch (`${request.method ?? ''} ${path}`) {
    case 'GET /events':
      await sendEvents(options.aws, new URLSearchParams(query), response);
      return;
    case 'GET /log':
      await sendLog(options.logFile, new URLSearchParams(query), response);
      return;
    case 'DELETE /faults':
      options.aws.faults.clear();
      await options.clearFaults?.();
      response.writeHead(204).end();
      return;
    default: {
      const stored =
        request.method === 'GET' ? await options.stored?.(path, new URLSearchParams(query)) : undefined;
      sendJson(response, stored ?? (await respond(options, request, path)));
    }
  }
}

async function respond(
  options: ControlOptions,
  request: IncomingMessage,
  path: string,
): Promise<ForwardedResponse> {
  const { aws, clocks, functionCalls, outputs = {}, runRecurringSchedules } = options;
  switch (`${request.method ?? ''} ${path}`) {
    case 'GET /calls':
      return shown({
        aws: aws.calls(),
        functions: functionCalls?.() ?? {},
        kinds: aws.kindsOfCalls(),
      });
    case 'GET /outputs':
      return shown({ Lapse: outputs });
    case 'GET /schedules':
      return shown(aws.schedules.list().map(shownSchedule));
    case 'GET /dead-letters':
      return shown(aws.queues.deadLetters().map(shownDeadLetter));
    case 'POST /faults':
      return injectFault(options, (await readWholeBody(request)).toString('utf8'));
    case 'GET /faults':
      return shown({ faults: aws.faults.list() });
    case 'POST /sweep':
      return runRecurringSchedules
        ? shown({ runs: await runRecurringSchedules() })
        : refused(404, 'This system has no recurring schedule.');
    case 'GET /clock':
      return clocks ? shown(clocks.show()) : noClock;
    case 'POST /clock':
      return clocks ? setClock(clocks, (await readWholeBody(request)).toString('utf8')) : noClock;
    default:
      return refused(
        404,
        `There is no ${request.method ?? ''} ${path}. Allowed: GET /events, /sessions, /quarantine, /schedules, ` +
          '/dead-letters, /calls, /log and /outputs, GET, POST and DELETE /faults, GET and POST /clock, and POST /sweep.',
      );
  }
}

async function injectFault(options: ControlOptions, text: string): Promise<ForwardedResponse> {
  const addressed = checkedJson(addressedSchema, text);
  if ('violation' in addressed) return refused(400, addressed.violation);
  const { target, ...fault } = addressed.value;
  const forwards = new Map(
    Object.entries({ klarna: options.forwardKlarnaFault, lambda: options.injectFunctionFault }).flatMap(
      ([name, forward]) => (forward ? [[name, forward] as const] : []),
    ),
  );
  const forward = forwards.get(target);
  if (forward) return forward(fault);
  if (!(faultTargets as readonly string[]).includes(target)) {
    const targets = [...faultTargets, ...forwards.keys()];
    return refused(400, `target is ${JSON.stringify(target)}; allowed: ${targets.join(', ')}.`);
  }
  const read = checkedJson(faultSchema, text);
  if ('violation' in read) return refused(400, read.violation);
  options.aws.faults.inject(read.value);
  return { status: 201, body: read.value };
}

async function setClock(
  clocks: NonNullable<ControlOptions['clocks']>,
  text: string,
): Promise<ForwardedResponse> {
  const wrong = await clocks.set(text);
  return wrong ? refused(400, wrong.violation) : shown(clocks.show());
}

const shown = (body: unknown): ForwardedResponse => ({ status: 200, body });

const addressedSchema = v.looseObject({ target: v.string() });

const noClock: ForwardedResponse = {
  status: 404,
  body: { error: 'This system has no clock that can be set.' },
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

/** One event a line. Waits for a slow reader, and ends when the reader disconnects. */
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

/** The log, one entry a line; with `follow=true`, also what is logged later, until the reader disconnects. */
async function sendLog(
  file: string | undefined,
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  if (file === undefined) {
    sendJson(response, refused(404, 'This system has no log file.'));
    return;
  }
  const isFollowed = query.get('follow') === 'true';
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
  response.flushHeaders();
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  await pipeline(linesOf(linesOfFile(file, isFollowed ? gone.signal : undefined)), response);
}

async function* linesOf(texts: AsyncIterable<string> | Iterable<string>): AsyncGenerator<string, void> {
  for await (const text of texts) yield `${text}\n`;
}
