/** A refusal as AWS sends it. Any other error while a call is served becomes the service's own 500. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  /** The exception's name without its namespace, such as `ConflictException`. The SDK names its class by it. */
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}
