import type { KlarnaCredentials } from '../../functions/domain/account-settings.ts';

/** Klarna's test or live environment. */
export type KlarnaEnvironment = KlarnaCredentials['environment'];

/** The environment of an API key, by how it begins; `undefined` for a key in another form. */
export const environmentOfApiKey = (apiKey: string): KlarnaEnvironment | undefined =>
  environmentIn(/^klarna_(test|live)_/.exec(apiKey)?.[1]);

/** The environment of an account id, such as `krn:partner:global:account:test:M48JWZF8`. */
export const environmentOfKrn = (krn: string): KlarnaEnvironment | undefined =>
  environmentIn(/:(test|live):[^:]*$/.exec(krn)?.[1]);

const environmentIn = (text: string | undefined): KlarnaEnvironment | undefined =>
  text === 'test' || text === 'live' ? text : undefined;
