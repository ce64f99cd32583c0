/** Klarna's two environments, which share nothing. */
export type Environment = 'test' | 'live';

/** What the paths of the live environment start with, at the address of the simulator. Klarna has a host for each. */
export const livePath = '/live';

/** The environment of a path, and the path as Klarna's API has it. */
export const inEnvironment = (
  path: string,
): { readonly environment: Environment; readonly apiPath: string } =>
  path.startsWith(`${livePath}/`)
    ? { environment: 'live', apiPath: path.slice(livePath.length) }
    : { environment: 'test', apiPath: path };

/** The environment that the name of an API key tells, such as `klarna_live_api_…`; undefined where it tells none. */
export function environmentOfKey(apiKey: string): Environment | undefined {
  if (apiKey.startsWith('klarna_live_')) return 'live';
  return apiKey.startsWith('klarna_test_') ? 'test' : undefined;
}
