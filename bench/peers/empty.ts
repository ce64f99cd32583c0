/** The floor: what the runtime costs by itself. */
export const handler = (): Promise<{ readonly statusCode: number }> => Promise.resolve({ statusCode: 200 });
