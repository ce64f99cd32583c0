/** The response to a call: JSON, text of another type, or headers only. */
export interface SimulatorResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. Left out, there is no body. */
  readonly json?: unknown;
  readonly html?: string;
  /** Whether the call changed anything at Klarna. */
  readonly tookEffect?: boolean;
}

/** An error as Klarna's envelopes show it. */
export interface Refusal {
  readonly status: number;
  readonly errorCode: string;
  readonly message: string;
  /** The parameter that is wrong. `message` says why. */
  readonly parameter?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export const isRefusal = (response: SimulatorResponse | Refusal): response is Refusal =>
  'errorCode' in response;

/** A body or a header that is not valid. */
export const invalid = (parameter: string, message: string): Refusal => ({
  status: 400,
  errorCode: 'VALIDATION_ERROR',
  message,
  parameter,
});

export const notFound = (what: string): Refusal => ({
  status: 404,
  errorCode: 'RESOURCE_NOT_FOUND',
  message: `There is no such ${what}.`,
});

export const conflict = (message: string): Refusal => ({
  status: 409,
  errorCode: 'RESOURCE_CONFLICT',
  message,
});

export const forbidden: Refusal = {
  status: 403,
  errorCode: 'OPERATION_FORBIDDEN',
  message: 'The credentials do not allow this operation.',
};

export const unauthorized: Refusal = {
  status: 401,
  errorCode: 'UNAUTHORIZED',
  message: 'The credentials are missing or wrong.',
};
