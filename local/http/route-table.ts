import type { RouteDescription } from '../template/stack-description.ts';

/** The route that a request takes, with the parameters in its path. */
export interface RouteMatch {
  readonly route: RouteDescription;
  readonly routeKey: string;
  readonly pathParameters: Readonly<Record<string, string>>;
}

/**
 * The part of a decoded path by which a route is found. API Gateway decodes the path first: what was an encoded `?` or `#` ends the
 * path then, and what were encoded dot segments are folded.
 */
export function routePathOf(decodedPath: string): string {
  const [path = ''] = decodedPath.split(/[?#]/, 1);
  const segments = path.split('/');
  const folded: string[] = [];
  for (const segment of segments) {
    if (segment === '..' && folded.length > 1) folded.pop();
    if (segment !== '.' && segment !== '..') folded.push(segment);
  }
  // A dot segment at the end leaves its slash.
  if (/^\.{1,2}$/.test(segments.at(-1) ?? '')) folded.push('');
  return folded.join('/');
}

/** The route that matches the whole path, with its method before ANY; else `$default`; else `undefined`. */
export function matchRoute(
  routes: readonly RouteDescription[],
  method: string,
  path: string,
): RouteMatch | undefined {
  const segments = path.split('/');
  const fitting = routes.flatMap((route) => {
    if (route.path === '$default' || (route.method !== method && route.method !== 'ANY')) return [];
    const pathParameters = parametersOf(route.path.split('/'), segments);
    return pathParameters ? [{ route, routeKey: `${route.method} ${route.path}`, pathParameters }] : [];
  });
  const [best] = fitting.toSorted((a, b) => rankOf(a) - rankOf(b));
  if (best) return best;
  const fallback = routes.find((route) => route.path === '$default');
  return fallback && { route: fallback, routeKey: '$default', pathParameters: {} };
}

/** Literal paths before ones with parameters, a method before ANY. */
const rankOf = ({ route, pathParameters }: RouteMatch): number =>
  Object.keys(pathParameters).length * 2 + (route.method === 'ANY' ? 1 : 0);

function parametersOf(
  template: readonly string[],
  segments: readonly string[],
): Record<string, string> | undefined {
  if (template.length !== segments.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, part] of template.entries()) {
    const segment = segments[index] ?? '';
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name === undefined) {
      if (part !== segment) return undefined;
    } else {
      if (segment === '') return undefined;
      parameters[name] = segment;
    }
  }
  return parameters;
}
