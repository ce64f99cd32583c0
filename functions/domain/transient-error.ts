/** A fault that passes by itself: the same call may succeed a moment later. Nothing was changed, or what was changed may be repeated. */
export class TransientError extends Error {
  override readonly name = 'TransientError';
}
