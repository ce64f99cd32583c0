import { ServiceError } from '../wire/service-error.ts';
import type { ServiceName } from '../wire/service.ts';

const internalCodes: Readonly<Record<ServiceName, string>> = {
  dynamodb: 'InternalServerError',
  scheduler: 'InternalServerException',
  sqs: 'InternalFailure',
  eventbridge: 'InternalException',
  secretsmanager: 'InternalServiceError',
};

/** The 500 of a service under its own name, which every SDK retries. */
export const internalError = (service: ServiceName, message: string): ServiceError =>
  new ServiceError(internalCodes[service], message, 500);

const throttling: Readonly<Record<ServiceName, { readonly code: string; readonly status: number }>> = {
  dynamodb: { code: 'ProvisionedThroughputExceededException', status: 400 },
  scheduler: { code: 'ThrottlingException', status: 429 },
  sqs: { code: 'RequestThrottled', status: 403 },
  eventbridge: { code: 'ThrottlingException', status: 400 },
  secretsmanager: { code: 'ThrottlingException', status: 400 },
};

/** The throttling error of a service under its own name. */
export function throttlingError(service: ServiceName): ServiceError {
  const { code, status } = throttling[service];
  return new ServiceError(code, 'Rate exceeded (an injected fault).', status);
}
