import { type IEventBus, type IRuleTarget, Rule } from 'aws-cdk-lib/aws-events';
import type { Construct } from 'constructs';
import { eventSource, type EventType, eventTypes } from '../functions/contract/event-types.ts';

/** Which events. */
export interface EventSelection {
  /**
   * The detail types.
   * @default - all types, also those that later versions add
   */
  readonly types?: readonly EventType[];
  /**
   * The accounts, by their names in Lapse.
   * @default - all accounts
   */
  readonly accounts?: readonly string[];
}

/** Which events go where. */
export interface OnEventProps extends EventSelection {
  /**
   * Where the events go. EventBridge drops an event that the target does not take within 24 hours, unless the target has a dead-letter
   * queue.
   * @default - nowhere: add targets to the rule
   */
  readonly target?: IRuleTarget;
  /**
   * What the rule is for.
   * @default - none
   */
  readonly description?: string;
}

/** A rule on the bus for events of Lapse. Throws where the selection can match nothing. */
export function lapseRule(
  scope: Construct,
  id: string,
  eventBus: IEventBus,
  { types, accounts, target, description }: OnEventProps,
): Rule {
  const unknown = types?.filter((type) => !eventTypes.includes(type)) ?? [];
  if (unknown.length > 0 || types?.length === 0)
    throw new Error(`types is ${JSON.stringify(types)}; allowed: ${eventTypes.join(', ')}.`);
  if (accounts?.length === 0) throw new Error('accounts is empty; allowed: at least one, or leave it out.');
  return new Rule(scope, id, {
    eventBus,
    eventPattern: {
      source: [eventSource],
      ...(types && { detailType: [...types] }),
      ...(accounts && { detail: { account: [...accounts] } }),
    },
    ...(target && { targets: [target] }),
    ...(description !== undefined && { description }),
  });
}
