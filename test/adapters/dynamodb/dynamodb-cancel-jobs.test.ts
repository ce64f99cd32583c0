import { afterAll, beforeAll, describe } from 'vitest';
import { DynamoDbCancelJobs } from '../../../functions/adapters/dynamodb/dynamodb-cancel-jobs.ts';
import { engineName, openEmbeddedTable } from '../../support/embedded-table.ts';
import { describeCancelJobs } from './cancel-jobs.contract.ts';

describe(`on the engine ${engineName}`, () => {
  let table: Awaited<ReturnType<typeof openEmbeddedTable>>;
  beforeAll(async () => {
    table = await openEmbeddedTable();
  });
  afterAll(() => table.close());

  describeCancelJobs(`on ${engineName}`, () => new DynamoDbCancelJobs({ ...table, retentionDays: 30 }));
});
