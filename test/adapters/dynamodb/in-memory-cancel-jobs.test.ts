import { InMemoryCancelJobs } from '../../support/in-memory-cancel-jobs.ts';
import { describeCancelJobs } from './cancel-jobs.contract.ts';

describeCancelJobs('in memory', () => new InMemoryCancelJobs());
