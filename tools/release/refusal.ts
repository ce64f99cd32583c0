/** A release that is not made. The message says why. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}
