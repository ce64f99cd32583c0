import * as v from 'valibot';
import { expect, it } from 'vitest';
import { faultSchema as awsFaultSchema, faultTargets } from '../../../local/aws/faults/fault.ts';
import { faultChoices } from '../../../local/front-page/browser/fault-choices.ts';
import { faultSchema as klarnaFaultSchema } from '../../../local/klarna-simulator/faults.ts';
import { injectFunctionFault } from '../../../local/lambda/function-faults.ts';

const choices = faultChoices.flatMap(({ choices }) => choices);

it.each(choices.map((choice) => [choice.text, choice] as const))(
  'what the page offers as "%s" is taken by whoever it is for',
  async (_, { fault, forOne, repeatable }) => {
    const { target, ...rest } = fault;
    const asked = {
      ...rest,
      ...(repeatable && { times: 3 }),
      ...(forOne && { payment_request_id: 'krn:payment:eu1:request:1' }),
    };
    switch (target) {
      case 'klarna':
        expect(v.safeParse(klarnaFaultSchema, asked).issues).toBeUndefined();
        break;
      case 'lambda':
        expect((await injectFunctionFault([], asked)).status).toBe(201);
        break;
      default:
        expect(v.safeParse(awsFaultSchema, { target, ...asked }).issues).toBeUndefined();
    }
  },
);

it('the page offers a fault of every service, and every kind of fault of a webhook', () => {
  const targets = new Set(choices.map(({ fault }) => fault['target']));
  expect([...targets].toSorted()).toEqual([...faultTargets, 'klarna', 'lambda'].toSorted());
  const kinds = choices.filter(({ fault }) => fault['on'] === 'webhook').map(({ fault }) => fault['kind']);
  expect(kinds.toSorted()).toEqual(['delay', 'duplicate', 'lose', 'reorder', 'wrong-signature']);
});
