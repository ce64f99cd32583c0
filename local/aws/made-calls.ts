import type { IncomingHttpHeaders } from 'node:http';
import { readJson } from '../../functions/contract/read-json.ts';
import { isJsonObject } from '../shared/json-object.ts';
import type { IdentifiedCall } from './wire/identify-call.ts';

/** A kind of call that a function made: what IAM decides by, without the data of the call. */
export interface MadeCall {
  /** The function that called, or `unknown` for a caller outside the system. */
  readonly caller: string;
  /** Service and action, such as `dynamodb.UpdateItem`. */
  readonly action: string;
  /** The parameters that name a resource of the stack, such as `TableName`. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** The parameters that name a resource of the stack. Names of schedules are left out: each session has its own. */
const resourceParameters = [
  'TableName',
  'IndexName',
  'RequestItems',
  'QueueUrl',
  'SecretId',
  'GroupName',
  'Target',
  'Entries',
] as const;

/** Counts calls by action, and keeps each kind of call once. */
export class MadeCalls {
  readonly #counts = new Map<string, number>();
  readonly #kinds = new Map<string, MadeCall>();

  add(
    { service, action: name, urlMembers }: IdentifiedCall,
    headers: IncomingHttpHeaders,
    body: Buffer,
  ): void {
    const action = `${service}.${name}`;
    this.#counts.set(action, (this.#counts.get(action) ?? 0) + 1);
    const input = readJson(body);
    const parameters = resourcesNamedIn({ ...(isJsonObject(input) && input), ...urlMembers });
    const call = { caller: callerOf(headers), action, parameters };
    this.#kinds.set(JSON.stringify(call), call);
  }

  /** The number of calls of each action since the start. */
  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  /** Every kind of call since the start, once. */
  kinds(): readonly MadeCall[] {
    return [...this.#kinds.values()];
  }
}

/** The SDK of a function puts the function's name into the user agent. */
function callerOf(headers: IncomingHttpHeaders): string {
  const agents = [headers['user-agent'], headers['x-amz-user-agent']].flat().join(' ');
  return /\bapp\/([\w-]+)/.exec(agents)?.[1] ?? 'unknown';
}

function resourcesNamedIn(input: Readonly<Record<string, unknown>>): MadeCall['parameters'] {
  return Object.fromEntries(
    resourceParameters
      .filter((name) => input[name] !== undefined)
      .map((name) => [name, withoutData(name, input[name])]),
  );
}

function withoutData(name: (typeof resourceParameters)[number], value: unknown): unknown {
  switch (name) {
    case 'Target': {
      const { Arn, RoleArn, DeadLetterConfig } = isJsonObject(value) ? value : {};
      return { Arn, RoleArn, DeadLetterConfig };
    }
    // The tables of a batch, without the keys that it reads.
    case 'RequestItems':
      return Object.keys(isJsonObject(value) ? value : {});
    case 'Entries':
      return [...new Set((Array.isArray(value) ? value : []).map(busOf))];
    // The local host and port differ from run to run.
    case 'QueueUrl':
      return String(value).split('/').at(-1);
    default:
      return value;
  }
}

const busOf = (entry: unknown): unknown =>
  isJsonObject(entry) ? (entry['EventBusName'] ?? 'default') : undefined;
