import { planted } from './planted-secrets.ts';

/** DynamoDB as it is when it is overloaded. The message stands for what an exception may quote. */
export const throttled = Object.assign(new Error(planted.text), {
  name: 'ProvisionedThroughputExceededException',
  $metadata: { httpStatusCode: 400, attempts: 3 },
});

/** A service to which there is no way. */
export const unreachable = Object.assign(new Error(`connect ECONNREFUSED ${planted.text}`), {
  code: 'ECONNREFUSED',
});
