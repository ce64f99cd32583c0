import { perMillion, type Priced } from './prices.ts';

/** What one run of a job uses. */
export interface JobUsage {
  /** Calls to others, such as `dynamodb.UpdateItem`. */
  readonly calls: readonly string[];
  /** Milliseconds that Lambda bills, and the memory of the function. */
  readonly millis: number;
  readonly memoryMegabytes: number;
  /** Units of one write of the record: its kilobytes, and two for each index entry that moves. */
  readonly writeUnits: number;
  /** Whether API Gateway is in front. A Lambda URL is free. */
  readonly behindApi: boolean;
}

/** The prices of calls. Removing a schedule and calling Klarna cost nothing. A secret is read once in two minutes. */
const usedBy = (writeUnits: number): Readonly<Record<string, Partial<Record<Priced, number>>>> => ({
  'dynamodb.GetItem': { 'DynamoDB read units': 1 },
  // A query is not consistent: half a unit for each 4 KB.
  'dynamodb.Query': { 'DynamoDB read units': 0.5 },
  'dynamodb.UpdateItem': { 'DynamoDB write units': writeUnits },
  // Powertools' idempotency record: under a kilobyte, in no index.
  'dynamodb.PutItem': { 'DynamoDB write units': 1 },
  'eventbridge.PutEvents': { 'EventBridge events': 1 },
  'scheduler.firing': { 'Scheduler firings': 1 },
});

/** US dollars for a million runs of the job, at list prices. */
export function priceOfJob({ calls, millis, memoryMegabytes, writeUnits, behindApi }: JobUsage): number {
  const used = usedBy(writeUnits);
  const forCalls = calls
    .flatMap((call) => Object.entries(used[call] ?? {}) as [Priced, number][])
    .reduce((sum, [kind, units]) => sum + units * perMillion[kind], 0);
  const forTime = (millis / 1_000) * (memoryMegabytes / 1_024) * perMillion['Lambda GB-seconds'];
  return perMillion['Lambda calls'] + forTime + forCalls + (behindApi ? perMillion['HTTP API calls'] : 0);
}
