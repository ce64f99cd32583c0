import { describe, expect, it } from 'vitest';
import { LapseClient, type LapseClientOptions } from '../../client/lapse-client.ts';

const secret = 'planted-secret';
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: secret };
const right: LapseClientOptions = {
  url: 'https://lapse.shop.example',
  account: 'shop-se',
  authorization: 'none',
};

describe('the options of a client', () => {
  it.each<[string, Partial<LapseClientOptions>]>([
    ['a slash at the end', { url: 'https://lapse.shop.example/' }],
    ['plain http for a local system', { url: 'http://lapse:4000' }],
    ['plain http of this machine with a token', { url: 'http://127.0.0.1:4000', authorization: { token } }],
    ['credentials', { authorization: { credentials, region: 'eu-north-1' } }],
    [
      'a provider',
      { authorization: { credentials: () => Promise.resolve(credentials), region: 'us-gov-west-1' } },
    ],
    ['limits', { budgetMillis: 1, attemptMillis: 900_000 }],
    ['options that are undefined', { budgetMillis: undefined, fetch: undefined } as object],
  ])('%s is accepted', (_, options) => {
    expect(() => new LapseClient({ ...right, ...options })).not.toThrow();
  });

  const url = 'the address of the API without a path, such as https://lapse.shop.example.';
  const authorization =
    "'none', { token: a function }, or { credentials: an object or a function, region: such as 'eu-north-1' }.";

  it.each<[object, string]>([
    [{ url: undefined }, `url is undefined; allowed: ${url}`],
    [{ url: '' }, `url is empty; allowed: ${url}`],
    [{ url: 'lapse.shop.example' }, `url is lapse.shop.example; allowed: ${url}`],
    [{ url: 'ftp://lapse.shop.example' }, `url is ftp://lapse.shop.example; allowed: ${url}`],
    [{ url: 'https://lapse.shop.example/v1' }, `url is https://lapse.shop.example/v1; allowed: ${url}`],
    [{ url: 'https://lapse.shop.example/?a=1' }, `url is https://lapse.shop.example/?a=1; allowed: ${url}`],
    [{ url: `https://user:${secret}@shop.example` }, `url is a text with an @; allowed: ${url}`],
    [
      { url: 'http://lapse.shop.example', authorization: { token } },
      'url is http://lapse.shop.example; allowed: https where calls are authorized, or http of this machine.',
    ],
    [{ account: 'Shop SE' }, 'account is Shop SE; allowed: 1 to 32 of a-z, 0-9 and -.'],
    [{ account: '' }, 'account is empty; allowed: 1 to 32 of a-z, 0-9 and -.'],
    [{ account: undefined }, 'account is undefined; allowed: 1 to 32 of a-z, 0-9 and -.'],
    [{ authorization: undefined }, `authorization is undefined; allowed: ${authorization}`],
    [{ authorization: secret }, `authorization is a value of the type string; allowed: ${authorization}`],
    [{ authorization: {} }, `authorization is an object with nothing; allowed: ${authorization}`],
    [
      { authorization: { token, credentials, region: 'eu-north-1' } },
      `authorization is an object with token, credentials, region; allowed: ${authorization}`,
    ],
    [
      { authorization: { token: secret } },
      'authorization.token is a value of the type string; allowed: a function.',
    ],
    [
      { authorization: { credentials: { accessKeyId: secret }, region: 'eu-north-1' } },
      'authorization.credentials is a value of the type object; allowed: a function, or an object with the texts accessKeyId and secretAccessKey, without spaces.',
    ],
    [
      {
        authorization: {
          credentials: { ...credentials, secretAccessKey: `${secret}\n` },
          region: 'eu-north-1',
        },
      },
      'authorization.credentials is a value of the type object; allowed: a function,',
    ],
    [
      { authorization: { credentials } },
      'authorization.region is undefined; allowed: a Region of AWS, such as eu-north-1.',
    ],
    [
      { authorization: { credentials, region: 'Stockholm' } },
      'authorization.region is Stockholm; allowed: a Region of AWS, such as eu-north-1.',
    ],
    [
      { requestedBy: 'jane' },
      'requestedBy is jane; allowed: user: or operator: and 1 to 64 of A-Z, a-z, 0-9 and ._@+-',
    ],
    [{ budgetMillis: 0 }, 'budgetMillis is 0; allowed: a whole number from 1 to 900000.'],
    [{ attemptMillis: 1.5 }, 'attemptMillis is 1.5; allowed: a whole number from 1 to 900000.'],
    [{ attemptMillis: Number.NaN }, 'attemptMillis is NaN; allowed: a whole number from 1 to 900000.'],
  ])('%j is refused at once', (options, sentence) => {
    const make = () => new LapseClient({ ...right, ...options });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(sentence);
    expect(make).not.toThrow(secret);
  });
});

function token(): Promise<string> {
  return Promise.resolve('t');
}
