import type { Flow } from './flows.ts';
import { perMillion, type Usage, workflowPrices } from './prices.ts';

/** A line of a computed bill: a million sessions. */
export interface ComputedCost {
  readonly what: string;
  readonly dollars: number;
}

type End = Pick<Flow, 'end' | 'timerFires'>;

/** Both services take Scheduler's place. The timer's call of Lambda is the workflow's own. */
const withoutScheduler = (typical: Usage, dollars: number): ComputedCost => ({
  what: 'the rest, as typical',
  dollars: dollars - typical['Scheduler firings'] * perMillion['Scheduler firings'],
});

/**
 * The sessions of a flow as a Standard execution of Step Functions each. One state waits for a callback, with the deadline as its
 * timeout. A second one cancels the request or ends the execution.
 */
export function stepFunctionsCost(typical: Usage, typicalDollars: number): readonly ComputedCost[] {
  const transitions = 2;
  return [
    { what: `${transitions} state transitions`, dollars: transitions * workflowPrices.stateTransitions },
    withoutScheduler(typical, typicalDollars),
  ];
}

/** The kilobytes that one operation writes: the ids of the session, or the result of a step. */
const kilobytesOfOperation = 1;
/** Days that AWS keeps the history of an execution, if it is not told otherwise. */
const retentionDays = 14;

/**
 * The sessions of a flow as a durable execution of Lambda each. It waits for a callback, with the deadline as its timeout, and cancels
 * in a step. AWS counts the start as one operation, `waitForCallback` as three, and a step as one. The session begins and ends in one
 * call of the function each.
 */
export function durableFunctionsCost(
  { end }: End,
  typical: Usage,
  typicalDollars: number,
): readonly ComputedCost[] {
  const operations = 1 + 3 + (end === 'canceled' ? 1 : 0);
  // A million sessions with a kilobyte each are a gigabyte, as AWS's own example counts them.
  const gigabytes = operations * kilobytesOfOperation;
  return [
    {
      what: `${operations} durable operations`,
      dollars: operations * workflowPrices.durableOperations,
    },
    { what: `${gigabytes} GB written`, dollars: gigabytes * workflowPrices.durableGigabyteWritten },
    {
      what: `${gigabytes} GB kept for ${retentionDays} days`,
      dollars: gigabytes * (retentionDays / 30) * workflowPrices.durableGigabyteMonth,
    },
    { what: 'the call that resumes', dollars: perMillion['Lambda calls'] },
    withoutScheduler(typical, typicalDollars),
  ];
}
