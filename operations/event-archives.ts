import { type EventBridgeClient, StartReplayCommand } from '@aws-sdk/client-eventbridge';
import { type Instant, millisOf } from '../functions/domain/instant.ts';

/** The archives of the bus, by the type of their events. Empty where the stack has none. */
export interface EventArchiveAccess {
  readonly byType: ReadonlyMap<string, string>;
  /** Starts the replay of one archive to the bus. Returns its name. */
  readonly start: (archiveArn: string, since: Instant, until: Instant) => Promise<string>;
}

/** The archives that the outputs of the stack name, `<type>=<ARN>` each, separated by `;`. */
export const archivesOf = (
  client: Pick<EventBridgeClient, 'send'>,
  {
    list,
    busArn,
    newName,
  }: {
    readonly list: string | undefined;
    readonly busArn: string | undefined;
    readonly newName: () => string;
  },
): EventArchiveAccess => ({
  byType: new Map(
    (list ?? '')
      .split(';')
      .filter((pair) => pair !== '')
      .map((pair) => {
        const end = pair.indexOf('=');
        return [pair.slice(0, end), pair.slice(end + 1)] as const;
      }),
  ),
  start: async (archiveArn, since, until) => {
    const name = newName();
    await client.send(
      new StartReplayCommand({
        ReplayName: name,
        EventSourceArn: archiveArn,
        EventStartTime: new Date(millisOf(since)),
        EventEndTime: new Date(millisOf(until)),
        Destination: { Arn: busArn ?? '' },
      }),
    );
    return name;
  },
});
