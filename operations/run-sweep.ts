import * as v from 'valibot';
import { readJson } from '../functions/contract/read-json.ts';
import type { Target } from './target.ts';

/** The result of one run of the sweep: `undefined` where it ended well, else the error. */
export type SweepError = string | undefined;

/**
 * Runs the sweep once, and waits for its end. Where another run holds the lease, this one ends at once: the other does the work.
 *
 * @throws {Error} where it cannot be started
 */
export const runSweepOf =
  ({ outputs, aws, control }: Target) =>
  async (): Promise<SweepError> => {
    if (control !== undefined) return runLocally(control);
    const name = outputs.FunctionNames.get('reconcile-payment-requests');
    const { InvokeCommand, LambdaClient } = await import('@aws-sdk/client-lambda');
    const { FunctionError: error, Payload: payload } = await new LambdaClient(aws).send(
      new InvokeCommand({ FunctionName: name, Qualifier: 'live', Payload: '{}' }),
    );
    return error === undefined ? undefined : wordsOf(payload?.transformToString() ?? '');
  };

/** What Lambda returns for a function that failed. */
const failureSchema = v.object({ errorType: v.string(), errorMessage: v.string() });

function wordsOf(payload: string): string {
  const failure = v.safeParse(failureSchema, readJson(payload));
  return failure.success ? `${failure.output.errorType}: ${failure.output.errorMessage}` : 'it failed';
}

const runsSchema = v.object({ runs: v.array(v.string()) });

async function runLocally(control: string): Promise<SweepError> {
  const response = await fetch(`${control}/sweep`, { method: 'POST' });
  const body = v.parse(runsSchema, readJson(await response.text()));
  return body.runs.find((kind) => kind !== 'response');
}
