import type { components } from '../../client/api-types.ts';
import type { Authorization } from '../../client/options.ts';
import { Transport } from '../../client/transport.ts';
import type { Account } from '../../functions/domain/identifiers.ts';

/** The settings of an account, as the API shows them. They have no secret. */
export type Settings = components['schemas']['Settings'];

/** What an account without an entry overrides. */
export type SettingsRequest = components['schemas']['SettingsRequest'];

/**
 * What became of new settings. `in_secret`: the account has an entry in the secret `accounts`. `unknown`: no credential would serve the
 * account with them.
 */
export type ReplacedSettings =
  | { readonly outcome: 'written'; readonly settings: Settings }
  | { readonly outcome: 'in_secret' | 'unknown' };

/** The settings of accounts by the API. The client of a shop has no part in them. */
export class SettingsApi {
  readonly #transport: Transport;

  constructor(options: { readonly url: string; readonly authorization: Authorization }) {
    this.#transport = new Transport(options);
  }

  /** The settings in force; `undefined` where no entry and no credential serves the account. */
  async read(account: Account): Promise<Settings | undefined> {
    const { problem, body } = await this.#transport.send({ method: 'GET', path: pathOf(account) }, [
      'unknown-account',
    ]);
    return problem === undefined ? (body as unknown as Settings) : undefined;
  }

  /** Replaces what the account overrides. What the request leaves out is as the credential has it. */
  async replace(account: Account, request: SettingsRequest): Promise<ReplacedSettings> {
    const call = { method: 'PUT', path: pathOf(account), body: request } as const;
    const { problem, body } = await this.#transport.send(call, ['unknown-account', 'account-in-secret']);
    if (problem === 'unknown-account') return { outcome: 'unknown' };
    if (problem === 'account-in-secret') return { outcome: 'in_secret' };
    return { outcome: 'written', settings: body as unknown as Settings };
  }
}

const pathOf = (account: Account): string => `/accounts/${account}/settings`;
