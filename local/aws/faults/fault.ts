import * as v from 'valibot';
import { closedObject, wholeNumber } from '../../shared/read-json.ts';
import { actionNames } from '../wire/action-names.ts';
import type { ServiceName } from '../wire/service.ts';

/** The services that faults of this server can befall. */
export const faultTargets = Object.keys(actionNames) as ServiceName[];

/** How many times it happens; 0: until it is cleared. */
const times = v.exactOptional(wholeNumber(0, 1_000_000), 1);

const longestDelayMillis = 3_600_000;

const callFault = {
  target: v.picklist(faultTargets),
  /** The only action it befalls, such as `UpdateItem`; without it any. */
  action: v.exactOptional(v.string()),
  times,
};

/** Milliseconds before the answer, or the reset, goes out. */
const delayMs = wholeNumber(0, longestDelayMillis);

/**
 * A fault as it is asked for; an option that its kind would not heed is refused.
 *
 * Of a call: `error` and `throttle` refuse it, `hang` never answers, `reset` cuts the connection, all without doing anything;
 * `slow` does it and answers late; `error-after` does it and answers 500. `refuse` lets no connection to the service come about, until
 * it is cleared. Of what a service does: `partial` fails every second
 * entry of a PutEvents, beginning with the first; `lose` and `duplicate` befall a schedule when it fires and a message when it
 * is sent.
 */
export const faultSchema = v.pipe(
  v.variant('kind', [
    closedObject({
      ...callFault,
      kind: v.picklist(['error', 'throttle', 'reset', 'error-after']),
      delayMs: v.exactOptional(delayMs, 0),
    }),
    closedObject({ ...callFault, kind: v.literal('slow'), delayMs: v.exactOptional(delayMs, 1_000) }),
    closedObject({ ...callFault, kind: v.literal('hang') }),
    closedObject({
      target: v.picklist(faultTargets),
      kind: v.literal('refuse'),
      times: v.exactOptional(wholeNumber(0, 0), 0),
    }),
    closedObject({
      target: v.literal('eventbridge'),
      kind: v.literal('partial'),
      action: v.exactOptional(v.string()),
      times,
    }),
    closedObject({
      target: v.picklist(['scheduler', 'sqs']),
      kind: v.picklist(['lose', 'duplicate']),
      times,
    }),
  ]),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed || !('action' in dataset.value)) return;
    const { target, action } = dataset.value;
    const known: readonly string[] = actionNames[target];
    if (known.includes(action)) return;
    addIssue({
      input: action,
      message: known.join(' | '),
      path: [{ type: 'object', origin: 'value', input: dataset.value, key: 'action', value: action }],
    });
  }),
);

export type Fault = v.InferOutput<typeof faultSchema>;

/** What befalls one thing that a service does, as opposed to a call. */
export type EffectFault = Extract<Fault, { readonly kind: 'partial' | 'lose' | 'duplicate' }>;
export type CallFault = Exclude<Fault, EffectFault | { readonly kind: 'refuse' }>;
