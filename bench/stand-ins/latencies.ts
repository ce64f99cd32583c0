/** Milliseconds until each service responds. */
export interface Latencies {
  readonly dynamodb: number;
  readonly scheduler: number;
  readonly sqs: number;
  readonly eventbridge: number;
  readonly secretsmanager: number;
  readonly klarna: number;
}

export type StandInName = keyof Latencies;

/**
 * About the latency of each service inside a Region; Klarna is a call over the internet. `--latency klarna=150` sets
 * another one.
 */
export const defaultLatencies: Latencies = {
  dynamodb: 5,
  scheduler: 20,
  sqs: 10,
  eventbridge: 15,
  secretsmanager: 20,
  klarna: 80,
};

/** Reads `klarna=150,dynamodb=3`. Throws with the allowed values. */
export function parseLatencies(text: string): Latencies {
  const given: Record<string, number> = {};
  for (const part of text.split(',').filter(Boolean)) {
    const [name = '', millis = ''] = part.split('=');
    if (!Object.hasOwn(defaultLatencies, name) || !/^\d{1,4}$/.test(millis)) {
      throw new Error(
        `--latency is ${part}; allowed: ${Object.keys(defaultLatencies).join(', ')}, each with whole milliseconds.`,
      );
    }
    given[name] = Number(millis);
  }
  return { ...defaultLatencies, ...given };
}
