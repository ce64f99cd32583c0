/** Data that no log, response, event or item may have. No other text has it, so a search finds every leak. */
export const planted = {
  apiKey: 'klarna_test_api_planted-4a7c1f',
  signingKey: 'planted-signing-key-9b2e60',
  pageKey: 'planted-page-key-0c5de1b07a6c4f60b1f2',
  name: 'Planteda Persson',
  email: 'planteda@example.com',
  address: 'Plantedvägen 12',
  token: 'krn:network:planted-session-token-51d0',
  /** Stands for the text of a body, an exception or a message. */
  text: 'planted-body-text-c3f8',
} as const satisfies Record<string, `${string}lanted${string}`>;

/** Part of each of them, so that one search finds out whether a text has any. */
const mark = 'lanted';

/** The planted secrets in a text. */
export const plantedIn = (text: string): readonly string[] =>
  text.includes(mark) ? Object.values(planted).filter((secret) => text.includes(secret)) : [];
