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

/** The cost of a month without any session. */
export const fixedPerMonth = {
  'two secrets': 0.8,
  'alarms (50, the six expressions by the metric)': 7.7,
  dashboard: 3,
  'custom metrics (about 60)': 18,
  'sweep, empty (43,200 calls)': 0.1,
} as const;
