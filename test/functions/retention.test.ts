import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { expect, it } from 'vitest';
import { tableSchema } from '../../functions/contract/table-schema.ts';
import { aws } from '../support/aws-clients.ts';
import { callApi } from '../support/call-api.ts';
import { requestId } from '../support/cancel-jobs.ts';
import { account } from '../support/fixtures.ts';
import { completedDelivery, signedEvent } from '../support/klarna-deliveries.ts';
import { apiEvent, cancelJobsRoute, lambdaContext } from '../support/lambda-events.ts';
import { setUpHandlers } from '../support/set-up-handlers.ts';

const { canceling, receiving } = await setUpHandlers(
  async () => ({
    canceling: await import('../../functions/cancel-payment-request.ts'),
    receiving: await import('../../functions/receive-klarna-webhook.ts'),
  }),
  { RETENTION_DAYS: '90', QUARANTINE_RETENTION_DAYS: '60', JOB_RETENTION_DAYS: '40' },
);

/** In how many days DynamoDB may delete what was written to the partitions with this start. */
const daysOf = (partition: string): readonly number[] =>
  aws.dynamodb
    .commandCalls(UpdateItemCommand)
    .map((call) => call.args[0].input)
    .filter(({ Key }) => Key?.[tableSchema.partitionKey]?.S?.startsWith(partition))
    .map(
      ({ UpdateExpression = '', ExpressionAttributeNames: names = {}, ExpressionAttributeValues = {} }) => {
        const name = Object.keys(names).find((each) => names[each] === tableSchema.timeToLive) ?? '';
        const [, value = ''] =
          new RegExp(`${name} = (?:if_not_exists\\(${name}, )?(:\\w+)`).exec(UpdateExpression) ?? [];
        const seconds: unknown = unmarshall(ExpressionAttributeValues)[value];
        return Math.round((Number(seconds) - Date.now() / 1_000) / 86_400);
      },
    );

it('a record, a quarantined webhook and a cancel job each have the retention of their kind', async () => {
  const receive = (metadata: Readonly<Record<string, unknown>> = {}) =>
    receiving.handler(signedEvent(completedDelivery(metadata)), lambdaContext());
  expect(await receive()).toMatchObject({ statusCode: 200 });
  expect(await receive({ event_type: 'brand.new' })).toMatchObject({ statusCode: 200 });
  const job = apiEvent({
    method: 'PUT',
    route: `${cancelJobsRoute}/{job_id}`,
    pathParameters: { account, job_id: 'nightly-1' },
    body: { payment_request_ids: [requestId(1)] },
  });
  expect(await callApi(canceling.handler, job)).toMatchObject({ statusCode: 201 });
  expect(daysOf(`A#${account}#P#`)).toEqual([90]);
  expect(daysOf('Q#')).toEqual([60]);
  // The names of the requests, and the job.
  expect(daysOf(`A#${account}#J#`)).toEqual([40, 40]);
});
