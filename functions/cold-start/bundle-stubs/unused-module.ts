/**
 * Replaces parts of the SDK that no function uses: event streams and browser detection. The SDK imports them on demand, which
 * would keep esbuild from tree-shaking every module that they share with the rest.
 */
throw new Error('This part of the AWS SDK is not in the bundle: see lib/function-bundle.ts.');

export {};
