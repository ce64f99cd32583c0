import * as v from 'valibot';
import { closedObject, wholeNumber } from '../../shared/checked-json.ts';
import { actionNames } from '../wire/action-names.ts';
import type { ServiceName } from '../wire/service.ts';

/** The services that faults of this server can target. */
export const faultTargets = Object.keys(actionNames) as ServiceName[];

/** How many times it applies; 0 means until it is cleared. */
const times = v.exactOptional(wholeNumber(0, 1_000_000), 1);

const longestDelayMillis = 3_600_000;

const callFault = {
  target: v.picklist(faultTargets),
  /** The only action that it applies to, such as `UpdateItem`. Default: any. */
  action: v.exactOptional(v.string()),
  times,
};

/** Milliseconds before the response, or before the reset. */
const delayMs = wholeNumber(0, longestDelayMillis);

/**
 * A fault as a request names it. An option that its kind does not use is refused.
 *
 * Faults of a call, which do nothing else: `error` and `throttle` refuse it, `hang` never responds, `reset` resets the
 * connection. `slow` performs the call and responds late; `error-after` performs it and responds 500. `refuse` refuses
 * connections to the service until it is cleared.
 *
 * Faults of what a service does: `partial` fails every second entry of a PutEvents, beginning with the first. `deny`
 * refuses the entries of one detail type for good, or all without one, as a policy of the bus does. `lose`
 * and `duplicate` apply to a schedule when it fires, and to a message when it is sent.
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
      target: v.literal('eventbridge'),
      kind: v.literal('deny'),
      detailType: v.exactOptional(v.string()),
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
      message: known.join(', '),
      path: [{ type: 'object', origin: 'value', input: dataset.value, key: 'action', value: action }],
    });
  }),
);

export type Fault = v.InferOutput<typeof faultSchema>;

/** A fault of what a service does, as opposed to a fault of a call. */
export type EffectFault = Extract<Fault, { readonly kind: 'partial' | 'deny' | 'lose' | 'duplicate' }>;
export type CallFault = Exclude<Fault, EffectFault | { readonly kind: 'refuse' }>;
