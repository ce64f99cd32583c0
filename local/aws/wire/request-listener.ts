import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { pause } from '../../shared/pause.ts';
import type { DynamoDbProxy } from '../dynamodb/dynamodb-proxy.ts';
import { internalError, throttlingError } from '../faults/fault-errors.ts';
import type { Faults } from '../faults/faults.ts';
import { errorResponse, type HttpResponse, sendHttpResponse, successResponse } from './http-response.ts';
import { type IdentifiedCall, identifyCall } from './identify-call.ts';
import { readBody } from './read-body.ts';
import { ServiceError } from './service-error.ts';
import type { Action, ActionsOf, ServedName, ServiceName } from './service.ts';

export interface RequestListenerParts {
  readonly actions: { readonly [Service in ServedName]: ActionsOf<Service> };
  readonly dynamodb: DynamoDbProxy;
  readonly faults: Faults;
  /** Told of every call, before it is looked at any further. */
  readonly onCall: (service: ServiceName, action: string) => void;
  readonly onLog: (line: string) => void;
}

/** Serves all services on one endpoint. Signatures are not looked at. */
export function createRequestListener({
  actions,
  dynamodb,
  faults,
  onCall,
  onLog,
}: RequestListenerParts): RequestListener {
  async function serve(
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
    onCall(service, action);
    const body = await readBody(request);
    const perform = () =>
      service === 'dynamodb'
        ? dynamodb.call(request.headers, body, signal)
        : act(service, actions[service], call, body, signal);

    const fault = faults.takeForCall(service, action);
    switch (fault?.kind) {
      case undefined:
        sendHttpResponse(response, await perform());
        return;
      case 'hang':
        return;
      case 'reset':
        await pause(fault.delayMs, signal);
        request.socket.resetAndDestroy();
        return;
      case 'error':
      case 'throttle': {
        const error = fault.kind === 'error' ? injectedError(service) : throttlingError(service);
        await pause(fault.delayMs, signal);
        sendHttpResponse(response, errorResponse(service, error));
        return;
      }
      case 'slow':
      case 'error-after': {
        const reply = await perform();
        await pause(fault.delayMs, signal);
        sendHttpResponse(
          response,
          fault.kind === 'slow' ? reply : errorResponse(service, injectedError(service)),
        );
        return;
      }
    }
  }

  return (request, response) => {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    serve(request, response, gone.signal).catch((error: unknown) => {
      // A caller who has gone is not told, and that it has is not worth a line.
      if (gone.signal.aborted) return;
      const service = identifyCall(request)?.service ?? 'dynamodb';
      if (!(error instanceof ServiceError)) onLog(`${service}: ${String(error)}`);
      const told = error instanceof ServiceError ? error : internalError(service, String(error));
      sendHttpResponse(response, errorResponse(service, told));
    });
  };
}

async function act(
  service: ServiceName,
  actions: Readonly<Record<string, Action>>,
  { action, urlMembers }: IdentifiedCall,
  body: Buffer,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const perform = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (!perform) {
    throw new ServiceError(
      'UnknownOperationException',
      `The local system has no ${action} in ${service}; it has ${Object.keys(actions).join(', ')}.`,
    );
  }
  return successResponse(service, await perform(inputOf(body, urlMembers), signal));
}

function inputOf(body: Buffer, urlMembers: IdentifiedCall['urlMembers']): unknown {
  if (body.length === 0) return urlMembers;
  try {
    const input: unknown = JSON.parse(body.toString('utf8'));
    return typeof input === 'object' && !Array.isArray(input) ? { ...input, ...urlMembers } : input;
  } catch {
    throw new ServiceError('SerializationException', 'The body is not JSON.');
  }
}

const injectedError = (service: ServiceName): ServiceError =>
  internalError(service, 'The service failed (an injected fault).');

const notACall = ({ method = '', url = '' }: IncomingMessage): HttpResponse => ({
  status: 404,
  headers: { 'content-type': 'application/json', 'x-amzn-errortype': 'UnknownOperationException' },
  body: JSON.stringify({
    __type: 'UnknownOperationException',
    message:
      `${method} ${url} is no call that the local system knows; it has DynamoDB, SQS, EventBridge (PutEvents) and ` +
      'Secrets Manager, told by the header X-Amz-Target, and EventBridge Scheduler under /schedules.',
  }),
});
