import { InMemoryPaymentRequestStore } from '../../support/in-memory-payment-request-store.ts';
import { describePaymentRequestStore } from './payment-request-store.contract.ts';

describePaymentRequestStore('in memory', () => Promise.resolve(new InMemoryPaymentRequestStore()));
