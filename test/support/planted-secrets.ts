/** What no log, answer, event or item may ever hold; each is found nowhere else, so that a search proves something. */
export const planted = {
  apiKey: 'klarna_test_api_planted-4a7c1f',
  signingKey: 'planted-signing-key-9b2e60',
  name: 'Planteda Persson',
  email: 'planteda@example.com',
  address: 'Plantedvägen 12',
  token: 'krn:network:planted-session-token-51d0',
  /** Stands for the text of a body, an exception or a message. */
  text: 'planted-body-text-c3f8',
} as const satisfies Record<string, `${string}lanted${string}`>;

/** In every one of them: a text without it holds none, which one search tells. */
const mark = 'lanted';

/** The planted secrets that a text holds; none, if all is well. */
export const plantedIn = (text: string): readonly string[] =>
  text.includes(mark) ? Object.values(planted).filter((secret) => text.includes(secret)) : [];
