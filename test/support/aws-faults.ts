import { planted } from './planted-secrets.ts';

/** The error of a throttled table. Its message stands for the data that an exception may quote. */
export const throttled = Object.assign(new Error(planted.text), {
  name: 'ProvisionedThroughputExceededException',
  $metadata: { httpStatusCode: 400, attempts: 3 },
});

/** The error of a call that the function may not make. AWS quotes accounts and roles in its message. */
export const notAllowed = Object.assign(new Error(planted.text), {
  name: 'AccessDeniedException',
  $metadata: { httpStatusCode: 400, attempts: 1 },
});

/** The error of a request that AWS finds invalid, such as one that makes an item too large. */
export const rejected = Object.assign(new Error(planted.text), {
  name: 'ValidationException',
  $metadata: { httpStatusCode: 400, attempts: 1 },
});

/** The error of a refused connection. */
export const unreachable = Object.assign(new Error(`connect ECONNREFUSED ${planted.text}`), {
  code: 'ECONNREFUSED',
});
