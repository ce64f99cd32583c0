import type { IncomingHttpHeaders, IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { readJson } from '../../../functions/contract/read-json.ts';
import { isJsonObject } from '../../shared/json-object.ts';
import { pause } from '../../shared/pause.ts';
import { readWholeBody } from '../../shared/read-body.ts';
import type { DynamoDbProxy } from '../dynamodb/dynamodb-proxy.ts';
import { internalError, throttlingError } from '../faults/fault-errors.ts';
import type { CallFault } from '../faults/fault.ts';
import type { Faults } from '../faults/faults.ts';
import { errorResponse, type HttpResponse, sendHttpResponse, successResponse } from './http-response.ts';
import { type IdentifiedCall, identifyCall } from './identify-call.ts';
import { ServiceError } from './service-error.ts';
import type { Action, ActionsOf, ServedName, ServiceName } from './service.ts';

export interface RequestListenerParts {
  readonly actions: { readonly [Service in ServedName]: ActionsOf<Service> };
  readonly dynamodb: DynamoDbProxy;
  readonly faults: Faults;
  /** Called for every call before it is performed. */
  readonly onCall: (call: IdentifiedCall, headers: IncomingHttpHeaders, body: Buffer) => void;
  readonly onLog: (line: string) => void;
}

/** Serves all services on one endpoint. Signatures are not checked. */
export function createRequestListener(parts: RequestListenerParts): RequestListener {
  return (request, response) => {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    serve(parts, request, response, gone.signal).catch((error: unknown) => {
      // The caller closed the connection: there is nothing to send and nothing to log.
      if (gone.signal.aborted) return;
      const service = identifyCall(request)?.service ?? 'dynamodb';
      if (!(error instanceof ServiceError)) parts.onLog(`${service}: ${String(error)}`);
      const told = error instanceof ServiceError ? error : internalError(service, String(error));
      sendHttpResponse(response, errorResponse(service, told));
    });
  };
}

async function serve(
  { actions, dynamodb, faults, onCall }: RequestListenerParts,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const call = identifyCall(request);
  if (!call) {
    request.resume();
    sendHttpResponse(response, notACall(request));
    return;
  }
  const { service, action } = call;
  const body = await readWholeBody(request);
  onCall(call, request.headers, body);
  const perform = () =>
    service === 'dynamodb'
      ? dynamodb.call(request.headers, body, signal)
      : act(actions[service], call, body, signal);
  const fault = faults.takeForCall(service, action);
  const sent = fault ? await withFault(fault, perform, signal) : await perform();
  if (sent === 'reset') request.socket.resetAndDestroy();
  else if (sent !== 'never') sendHttpResponse(response, sent);
}

/** Performs a call as far as its fault allows. */
async function withFault(
  fault: CallFault,
  perform: () => Promise<HttpResponse>,
  signal: AbortSignal,
): Promise<HttpResponse | 'reset' | 'never'> {
  const { kind, target: service } = fault;
  switch (kind) {
    case 'hang':
      return 'never';
    case 'reset':
      await pause(fault.delayMs, signal);
      return 'reset';
    case 'error':
    case 'throttle':
      await pause(fault.delayMs, signal);
      return errorResponse(service, kind === 'error' ? injectedError(service) : throttlingError(service));
    case 'slow':
    case 'error-after': {
      const response = await perform();
      await pause(fault.delayMs, signal);
      return kind === 'slow' ? response : errorResponse(service, injectedError(service));
    }
  }
}

async function act(
  actions: Readonly<Record<string, Action>>,
  { service, action, urlMembers }: IdentifiedCall,
  body: Buffer,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const perform = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (!perform) {
    throw new ServiceError(
      'UnknownOperationException',
      `The local system does not have ${action} in ${service}; it has ${Object.keys(actions).join(', ')}.`,
    );
  }
  return successResponse(service, await perform(inputOf(body, urlMembers), signal));
}

function inputOf(body: Buffer, urlMembers: IdentifiedCall['urlMembers']): unknown {
  if (body.length === 0) return urlMembers;
  const input = readJson(body);
  if (input === undefined) throw new ServiceError('SerializationException', 'The body is not JSON.');
  return isJsonObject(input) ? { ...input, ...urlMembers } : input;
}

const injectedError = (service: ServiceName): ServiceError =>
  internalError(service, 'The service failed (an injected fault).');

const notACall = ({ method = '', url = '' }: IncomingMessage): HttpResponse => ({
  status: 404,
  headers: { 'content-type': 'application/json', 'x-amzn-errortype': 'UnknownOperationException' },
  body: JSON.stringify({
    __type: 'UnknownOperationException',
    message:
      `${method} ${url} is not a call that the local system supports. It has DynamoDB, SQS, EventBridge (PutEvents) and ` +
      'Secrets Manager, named by the header X-Amz-Target, and EventBridge Scheduler under /schedules.',
  }),
});
