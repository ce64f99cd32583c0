/** The longest body that Klarna accepts, in bytes. */
export const longestBodyBytes = 1_048_576;
