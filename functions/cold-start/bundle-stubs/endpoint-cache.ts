/**
 * Replaces the SDK's endpoint cache (8 KB of code). Every DynamoDB client creates one and none of the commands reads it,
 * so this one is always empty.
 */
export class EndpointCache {
  has(): boolean {
    return false;
  }
}
