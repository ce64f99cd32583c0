import { planted } from './planted-secrets.ts';

/** The error of a throttled table. Its message stands for the data that an exception may quote. */
export const throttled = Object.assign(new Error(planted.text), {
  name: 'ProvisionedThroughputExceededException',
  $metadata: { httpStatusCode: 400, attempts: 3 },
});

/** The error of a refused connection. */
export const unreachable = Object.assign(new Error(`connect ECONNREFUSED ${planted.text}`), {
  code: 'ECONNREFUSED',
});
