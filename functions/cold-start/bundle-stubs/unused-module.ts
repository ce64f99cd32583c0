/**
 * Stands in for what the SDK would load only when asked for what no function of ours does: event streams, and the name of a browser.
 * To be there for a later `import()` they would keep esbuild from flattening, and so from shaking, all that they share with the rest.
 */
throw new Error('This part of the AWS SDK is not in the bundle: see lib/function-bundle.ts.');

export {};
