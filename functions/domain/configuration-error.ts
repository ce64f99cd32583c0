/**
 * A setting that the operator must correct: a malformed secret, or material that no request can be sent with. Retrying does
 * not help. The message names the setting and what it allows, and never holds a value.
 */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}
