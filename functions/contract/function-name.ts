/** The names of all functions. */
export const functionNames = [
  'register-payment-request',
  'get-payment-request',
  'cancel-payment-request',
  'receive-klarna-webhook',
  'cancel-expired-session',
  'reconcile-payment-requests',
  'publish-state-changes',
] as const;

/** The name of a function, of its file in functions/, of its bundle and of its construct. */
export type FunctionName = (typeof functionNames)[number];
