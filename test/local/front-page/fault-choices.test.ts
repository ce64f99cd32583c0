import * as v from 'valibot';
import { expect, it } from 'vitest';
import { faultSchema as awsFaultSchema, faultTargets } from '../../../local/aws/faults/fault.ts';
import { faultChoices } from '../../../local/front-page/browser/fault-choices.ts';
import { faultSchema as klarnaFaultSchema } from '../../../local/klarna-simulator/faults.ts';
import {
  faultSchema as functionFaultSchema,
  injectFunctionFault,
} from '../../../local/lambda/function-faults.ts';

const choices = faultChoices.flatMap(({ choices }) => choices);

it.each(
  faultChoices.flatMap((group) =>
    group.choices.map((choice) => [`${group.title}: ${choice.text}`, choice] as const),
  ),
)('the fault "%s" of the page is accepted by its target', async (_, { fault, forOne, repeatable }) => {
  const { target, ...rest } = fault;
  const asked = {
    ...rest,
    ...(repeatable && { times: 3 }),
    ...(forOne && { payment_request_id: 'krn:payment:eu1:request:1' }),
  };
  switch (target) {
    case 'klarna':
      if (rest['kind'] === 'refuse') expect(asked).toEqual({ kind: 'refuse' });
      else expect(v.safeParse(klarnaFaultSchema, asked).issues).toBeUndefined();
      break;
    case 'lambda':
      expect((await injectFunctionFault([], asked)).status).toBe(201);
      break;
    default:
      expect(v.safeParse(awsFaultSchema, { target, ...asked }).issues).toBeUndefined();
  }
});

const wordsOf = (schema: { readonly options: readonly string[] } | { readonly literal: string }) =>
  'options' in schema ? schema.options : [schema.literal];

const offered = new Set(choices.map(({ fault }) => `${String(fault['target'])} ${String(fault['kind'])}`));

it('the page offers every kind of fault of every target, and no other', () => {
  const ofAws = awsFaultSchema.options.flatMap(({ entries: { target, kind } }) =>
    wordsOf(target).flatMap((each) => wordsOf(kind).map((word) => `${each} ${word}`)),
  );
  const ofKlarna = klarnaFaultSchema.options.flatMap(({ entries: { kind } }) =>
    wordsOf(kind).map((word) => `klarna ${word}`),
  );
  const ofLambda = wordsOf(functionFaultSchema.entries.kind).map((word) => `lambda ${word}`);
  expect(ofAws.length).toBeGreaterThan(faultTargets.length);
  // The local system itself kills the simulator.
  const all = [...ofAws, ...ofKlarna, ...ofLambda, 'klarna refuse'];
  expect([...offered].toSorted()).toEqual([...new Set(all)].toSorted());
});

it('the faults of one target have different texts', () => {
  for (const { choices: ofPlace } of faultChoices) {
    expect(new Set(ofPlace.map(({ text }) => text)).size).toBe(ofPlace.length);
  }
});
