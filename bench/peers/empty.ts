/** The minimum: the cost of the runtime alone. */
export const handler = (): Promise<{ readonly statusCode: number }> => Promise.resolve({ statusCode: 200 });
