import { afterAll, beforeAll, describe } from 'vitest';
import { DynamoDbCancelJobs } from '../../../functions/adapters/dynamodb/dynamodb-cancel-jobs.ts';
import { engines, openEmbeddedTable } from '../../support/embedded-table.ts';
import { describeCancelJobs } from './cancel-jobs.contract.ts';

describe.each(Object.entries(engines))('on %s', (name, machine) => {
  let table: Awaited<ReturnType<typeof openEmbeddedTable>>;
  beforeAll(async () => {
    table = await openEmbeddedTable(machine);
  });
  afterAll(() => table.close());

  describeCancelJobs(`on ${name}`, () => new DynamoDbCancelJobs({ ...table, retentionDays: 30 }));
});
