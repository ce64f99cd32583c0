import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { isObject, pointedAt, type Schema, violations } from './json-schema.ts';

/** The YAML parser of the CDK. */
const { parse } = createRequire(createRequire(import.meta.url).resolve('aws-cdk-lib'))('yaml') as {
  readonly parse: (text: string) => unknown;
};

const fileName = join(import.meta.dirname, '..', '..', 'docs', 'api.yaml');

/** docs/api.yaml as it is. A response may have fields that it does not describe, so that versions can add some. */
export const openDocument: unknown = parse(readFileSync(fileName, 'utf8'));

/** docs/api.yaml with every object closed: what this version returns, it describes. */
export const apiDocument = ((): Schema => {
  const document = closed(openDocument);
  if (!isObject(document)) throw new Error('docs/api.yaml is not an object');
  return document;
})();

function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (!isObject(value)) return value;
  const each = Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, closed(inner)]));
  const isOpen = each['type'] === 'object' && 'properties' in each && !('additionalProperties' in each);
  return isOpen ? { ...each, additionalProperties: false } : each;
}

/** The object at the end of a `$ref`, or the object itself. */
export function dereferenced(value: unknown): Schema {
  if (!isObject(value)) throw new Error('docs/api.yaml has something else where an object should be');
  const reference = value['$ref'];
  return typeof reference === 'string' ? pointedAt(apiDocument, reference) : value;
}

/** An operation of the document: its route, `PUT /accounts/{account}/…`, and its description. */
export interface Operation {
  readonly route: string;
  readonly description: Schema;
}

const operationsOf = (methods: readonly string[]): readonly Operation[] =>
  Object.entries(dereferenced(apiDocument['paths'])).flatMap(([path, item]) =>
    Object.entries(dereferenced(item))
      .filter(([method]) => methods.includes(method))
      .map(([method, description]) => ({
        route: `${method.toUpperCase()} ${path}`,
        description: dereferenced(description),
      })),
  );

/** What callers of the API send. */
export const operations = operationsOf(['get', 'put', 'post', 'patch', 'delete']);

/** What a browser sends before them. */
export const preflights = operationsOf(['options']);

/** The operation whose method and path fit a call. */
function operationOf(method: string, path: string): Operation | undefined {
  const segments = path.split('/');
  return [...operations, ...preflights].find(({ route }) => {
    const [its, template = ''] = route.split(' ');
    const parts = template.split('/');
    return (
      its === method &&
      parts.length === segments.length &&
      parts.every(
        (part, index) => part === segments[index] || (part.startsWith('{') && segments[index] !== ''),
      )
    );
  });
}

export interface ApiResponse {
  readonly status: number;
  readonly contentType: string | null;
  readonly retryAfter: string | null;
  readonly body: unknown;
}

/** How a response differs from docs/api.yaml. Empty if it does not. `path` is without the query. */
export function contractViolations(method: string, path: string, reply: ApiResponse): readonly string[] {
  const operation = operationOf(method, path);
  const responses = operation
    ? dereferenced(operation.description['responses'])
    : // A call that is not an operation of the document.
      {
        404: { $ref: '#/components/responses/NotFound' },
        405: { $ref: '#/components/responses/MethodNotAllowed' },
      };
  const response = responses[String(reply.status)];
  if (!response) return [`${method} ${path} has no response ${reply.status}`];
  const { content, headers } = dereferenced(response);
  if (content === undefined)
    return reply.body === null ? [] : [`${method} ${path} returns a body with ${reply.status}`];
  const media = dereferenced(content)[reply.contentType ?? ''];
  if (!media) return [`${method} ${path} returns ${reply.status} as ${String(reply.contentType)}`];
  const retryAfter =
    isObject(headers) && 'Retry-After' in headers ? dereferenced(headers['Retry-After']) : {};
  // API Gateway's own 503 has no Retry-After.
  const isOurs503 = reply.status === 503 && reply.contentType === 'application/problem+json';
  const mustSayWhen = retryAfter['required'] === true || isOurs503;
  return [
    ...(mustSayWhen && reply.retryAfter === null ? ['Retry-After is missing'] : []),
    ...(isShown(media, reply.body) ? [] : [`${method} ${path} has no ${reply.status} of this type`]),
    ...violations(dereferenced(dereferenced(media)['schema']), reply.body, apiDocument),
  ];
}

/** The JSON of a response; `null` where there is no body. */
export const bodyOf = (text: string): unknown => (text === '' ? null : JSON.parse(text));

/** Whether a problem has a type that the response has an example of. It may have no other type. */
function isShown(media: unknown, body: unknown): boolean {
  const type = isObject(body) ? body['type'] : undefined;
  return type === undefined || problemTypesOf(dereferenced(media)).includes(type);
}

/** The problem types in the examples of a response. */
export const problemTypesOf = (media: Schema): readonly unknown[] =>
  Object.values(dereferenced(media['examples'])).flatMap((example) => {
    const { value } = dereferenced(example);
    return isObject(value) && 'type' in value ? [value['type']] : [];
  });

/** A `fetch` that adds to `violations` how a response differs from docs/api.yaml. */
export const checkedFetch =
  (violations: string[]) =>
  async (request: Request): Promise<Response> => {
    const response = await fetch(request);
    const { pathname } = new URL(request.url);
    violations.push(
      ...contractViolations(request.method, pathname, {
        status: response.status,
        contentType: response.headers.get('content-type'),
        retryAfter: response.headers.get('retry-after'),
        body: bodyOf(await response.clone().text()),
      }),
    );
    return response;
  };
