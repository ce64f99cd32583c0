import type { Draws } from '../simulation/draws.ts';
import { apiDocument, dereferenced, operations } from '../support/api-contract.ts';
import { isObject, pointedAt, type Schema } from '../support/json-schema.ts';
import { malformed, malformedBodies, malformedText } from './malformed-inputs.ts';

/** One request as it is sent. */
export interface WireRequest {
  /** The route that it belongs to in the figures. */
  readonly route: string;
  readonly method: string;
  /** Percent-encoded, with its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Uint8Array | undefined;
  /** Expected statuses, where the API's document does not list them. */
  readonly allowed?: readonly number[];
}

const bodyRoutes = operations.filter(({ description }) => 'requestBody' in description);

/** Two accounts on one credential. Klarna refuses calls of the first for their rate, again and again. */
export const partnerAccounts = ['m4noisy', 'm4quiet'] as const;

/** A request made from the document's own schemas: valid, wrong in one or two places, or malformed. */
export function drawApiRequest(draws: Draws, ids: readonly string[]): WireRequest {
  const { route, description } = draws.pick(operations);
  const [method = '', template = ''] = route.split(' ');
  const parameters = [...parametersOf(template), ...parametersIn(description)];
  const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encoded(draws.chance(0.85) ? pathValue(name, draws, ids) : malformedText(draws), draws),
  );
  const query = parameters
    .filter((parameter) => parameter['in'] === 'query' && draws.chance(0.4))
    .map((parameter) => {
      const schema = dereferenced(parameter['schema']);
      return [
        String(parameter['name']),
        draws.chance(0.6) ? queryValue(schema, draws, ids) : malformedText(draws),
      ] as const;
    });
  if (draws.chance(0.05))
    query.push([draws.pick(['dryrun', '__proto__', 'limit', '']), malformedText(draws)]);
  const text = query.map(([name, value]) => `${encodeText(name)}=${encoded(value, draws)}`).join('&');
  const body = bodyRoutes.some((each) => each.route === route)
    ? drawBody(description, draws, ids)
    : undefined;
  const isOther = draws.chance(0.03);
  return {
    route: isOther ? 'another method' : route,
    method: isOther ? draws.pick(['POST', 'OPTIONS', 'HEAD', 'TRACE', 'PROPFIND']) : method,
    path: text === '' ? path : `${path}?${text}`,
    headers: {
      ...(body && { 'content-type': draws.chance(0.9) ? 'application/json' : 'text/plain' }),
      ...(draws.chance(0.05) && { 'x-odd': 'x'.repeat(draws.between(1, 4_000)) }),
      ...(draws.chance(0.03) && { accept: ['text/html', 'application/xml'] }),
    },
    body: body ?? (draws.chance(0.03) ? draws.pick(malformedBodies) : undefined),
  };
}

/** The parameters of the path, which all of its operations share. */
const parametersOf = (template: string): readonly Schema[] =>
  parametersIn(dereferenced(dereferenced(apiDocument['paths'])[template]));

const parametersIn = (description: Schema): readonly Schema[] =>
  ((description['parameters'] ?? []) as readonly unknown[]).map(dereferenced);

function pathValue(name: string, draws: Draws, ids: readonly string[]): string {
  switch (name) {
    case 'account':
      return draws.pick(['demo', 'demo', 'demo', ...partnerAccounts, 'No such account']);
    case 'payment_request_id':
      return draws.pick(ids);
    case 'job_id':
      return `job-${draws.between(1, 20)}`;
    default:
      return `cart ${draws.between(1, 20)} ö`;
  }
}

function drawBody(description: Schema, draws: Draws, ids: readonly string[]): Uint8Array {
  if (draws.chance(0.1)) return draws.pick(malformedBodies);
  const schema = dereferenced(
    dereferenced(pointedAt(description, '#/requestBody/content')['application/json'])['schema'],
  );
  const body: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(dereferenced(schema['properties']))) {
    if (!draws.chance(0.35)) continue;
    body[name] = draws.chance(0.8) ? valueOf(dereferenced(property), draws, ids) : malformed(draws);
  }
  if (draws.chance(0.05)) body[draws.pick(['extra', 'constructor', ''])] = malformed(draws);
  return Buffer.from(JSON.stringify(body));
}

/** A value of the query that the schema allows, or nearly allows. */
const queryValue = (schema: Schema, draws: Draws, ids: readonly string[]): string =>
  String(schema['type'] === 'boolean' ? draws.chance(0.5) : valueOf(schema, draws, ids));

/** A value that the schema allows, or nearly allows, for the kinds of schemas in the document. */
function valueOf(schema: Schema, draws: Draws, ids: readonly string[]): unknown {
  if (Array.isArray(schema['enum'])) return draws.pick(schema['enum'] as readonly unknown[]);
  if (schema['format'] === 'date-time') {
    return new Date(Date.now() + draws.between(-3_600_000, 100 * 3_600_000)).toISOString();
  }
  switch (schema['type']) {
    case 'boolean':
      // A job without `dry_run` would cancel the requests of later calls.
      return draws.chance(0.9);
    case 'integer':
      return draws.between(Number(schema['minimum'] ?? 0), Number(schema['maximum'] ?? 100));
    case 'array': {
      const items = dereferenced(schema['items']);
      return Array.from({ length: draws.between(1, 5) }, () => valueOf(items, draws, ids));
    }
    default:
      break;
  }
  const pattern = typeof schema['pattern'] === 'string' ? schema['pattern'] : '';
  if (pattern.startsWith('^krn:')) return draws.pick(ids);
  if (pattern.startsWith('^P')) return draws.pick(['PT1S', 'PT20M', 'PT2H', 'P1D', 'P3D', 'PT0S', 'P1W']);
  return isObject(schema['properties']) ? {} : `text ${draws.between(1, 20)} ö`;
}

/** Percent-encoded, and sometimes malformed. */
function encoded(value: string, draws: Draws): string {
  const proper = encodeText(value);
  return draws.chance(0.02)
    ? `${proper}${draws.pick(['%', '%zz', '%c3%28', '%2e%2e', '//', ';a=b'])}`
    : proper;
}

const encodeText = (value: string): string => encodeURIComponent(value.toWellFormed());
