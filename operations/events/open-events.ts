import { randomBytes } from 'node:crypto';
import type { Target } from '../target.ts';
import type { EventSource } from './event-source.ts';
import type { EventFilter } from './published-event.ts';

/** Opens the published events: of a local system, or of a bus by a temporary rule. The source must be closed. */
export async function openEvents(
  { control, outputs, aws }: Target,
  filter: EventFilter,
  onLeftover: (name: string) => void = () => undefined,
): Promise<EventSource> {
  if (control !== undefined) {
    const { localEvents } = await import('./local-events.ts');
    return localEvents(control);
  }
  const [{ EventBridgeClient }, { SQSClient }, { openTemporaryRule }] = await Promise.all([
    import('@aws-sdk/client-eventbridge'),
    import('@aws-sdk/client-sqs'),
    import('./temporary-rule.ts'),
  ]);
  return openTemporaryRule({
    eventBridge: new EventBridgeClient(aws),
    sqs: new SQSClient(aws),
    busName: outputs.EventBusName,
    filter,
    id: randomBytes(4).toString('hex'),
    onLeftover,
  });
}
