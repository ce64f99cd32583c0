/**
 * List prices in US dollars, Lambda on arm64, without free tiers and discounts. They were typed in, not fetched. Check them
 * against https://aws.amazon.com/lambda/pricing/, /dynamodb/pricing/on-demand/, /api-gateway/pricing/, /eventbridge/pricing/,
 * /sqs/pricing/ and /cloudwatch/pricing/ for your Region, change them here, and run `npm run cost` again.
 */
export const perMillion = {
  'Lambda calls': 0.2,
  'Lambda GB-seconds': 13.3334,
  'HTTP API calls': 1,
  'DynamoDB write units': 0.625,
  'DynamoDB read units': 0.125,
  'EventBridge events': 1,
  'Scheduler firings': 1,
  'SQS calls': 0.4,
  'log kilobytes': 0.5,
} as const;

export type Priced = keyof typeof perMillion;

/** What one session or one call uses. */
export type Usage = Readonly<Record<Priced, number>>;

/** All priced things, in the order of the tables. */
export const priced = Object.keys(perMillion) as readonly Priced[];

/** US dollars for a million of these. */
export const dollarsOf = (usage: Usage): number =>
  priced.reduce((sum, kind) => sum + usage[kind] * perMillion[kind], 0);

/** List prices of what exists without any session, a month each. */
export const perMonth = {
  secret: 0.4,
  /** For each metric that the alarm reads. */
  alarm: 0.1,
  compositeAlarm: 0.5,
  dashboard: 3,
  customMetric: 0.3,
} as const;

/**
 * List prices of the two services that Lapse does without. Sources, read in November 2026:
 * https://aws.amazon.com/step-functions/pricing/, and the prices and the example under "Durable Functions" in
 * https://aws.amazon.com/lambda/pricing/ (US East, N. Virginia).
 */
export const workflowPrices = {
  /** For a million state transitions of a Standard workflow. */
  stateTransitions: 25,
  /** For a million durable operations. */
  durableOperations: 8,
  /** For a gigabyte that durable operations write. */
  durableGigabyteWritten: 0.25,
  /** For a gigabyte that is kept for a month, during and after the execution. */
  durableGigabyteMonth: 0.15,
} as const;
