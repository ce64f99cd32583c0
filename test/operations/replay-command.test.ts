import type { EventBridgeClient, StartReplayCommand } from '@aws-sdk/client-eventbridge';
import { describe, expect, it } from 'vitest';
import { eventTypes } from '../../functions/contract/event-types.ts';
import type { Republication } from '../../functions/application/republish-state-changes.ts';
import { archivesOf } from '../../operations/event-archives.ts';
import { replayEvents, type ReplayOptions } from '../../operations/replay-command.ts';
import { recordedPrinter } from '../support/command-line.ts';

const archive = (type: string) =>
  `arn:aws:events:eu-north-1:000000000000:archive/${type.replaceAll(' ', '')}`;

/** Runs the command, with an archive for each type or without any. */
async function replayed(
  options: ReplayOptions,
  { hasArchives = false, isDryRun = false, isAgreed = true } = {},
) {
  const sent: StartReplayCommand['input'][] = [];
  const client = {
    send: (command: { readonly input: StartReplayCommand['input'] }) => {
      sent.push(command.input);
      return Promise.resolve({});
    },
  } as unknown as EventBridgeClient;
  const list = eventTypes.map((type) => `${type}=${archive(type)}`).join(';');
  const made: Republication[] = [];
  const { print, lines } = recordedPrinter();
  const isDone = await replayEvents(
    {
      archives: archivesOf(client, {
        list: hasArchives ? list : undefined,
        busArn: 'arn:of:the:bus',
        newName: () => 'lapse-1',
      }),
      republish: (republication) => {
        made.push(republication);
        return Promise.resolve({ records: 2, events: 3, refused: 0, unreadable: 0 });
      },
    },
    { isDryRun, confirm: () => Promise.resolve(isAgreed), print },
    options,
  );
  return { sent, made, lines, isDone };
}

const hour = { since: '2026-03-01T12:00:00Z', until: '2026-03-01T13:00:00Z' };
const type = 'Payment Request State Changed';

describe('lapse replay', () => {
  it('with an archive, each type is replayed to the bus as it was', async () => {
    const { sent, made } = await replayed(hour, { hasArchives: true });
    expect(sent).toHaveLength(eventTypes.length);
    expect(sent[0]).toEqual({
      ReplayName: 'lapse-1',
      EventSourceArn: archive(eventTypes[0] ?? ''),
      EventStartTime: new Date('2026-03-01T12:00:00Z'),
      EventEndTime: new Date('2026-03-01T13:00:00Z'),
      Destination: { Arn: 'arn:of:the:bus' },
    });
    expect(made).toEqual([]);
  });

  it('--type replays the archive of that type alone', async () => {
    const { sent } = await replayed({ ...hour, type }, { hasArchives: true });
    expect(sent.map(({ EventSourceArn }) => EventSourceArn)).toEqual([archive(type)]);
  });

  it('without an archive, the events are made from the records again', async () => {
    const { made, lines, isDone } = await replayed({ ...hour, type });
    expect(made).toMatchObject([{ type, isDryRun: false }]);
    expect([isDone, lines]).toEqual([true, ['3 events of 2 records published, 0 refused, from the records']]);
  });

  it('a dry run starts nothing', async () => {
    expect((await replayed(hour, { hasArchives: true, isDryRun: true })).sent).toEqual([]);
    expect((await replayed(hour, { isDryRun: true })).made).toMatchObject([{ isDryRun: true }]);
  });

  it('nothing is published where the person declines', async () => {
    const { sent, made, isDone } = await replayed(hour, { hasArchives: true, isAgreed: false });
    expect([sent, made, isDone]).toEqual([[], [], false]);
  });

  it.each([
    [{ since: 'yesterday' }, '--since is yesterday; allowed: a time in RFC 3339'],
    [{ since: '2026-03-01T12:00:00Z', until: '2026-03-01T11:00:00Z' }, 'allowed: a time after --since'],
    [
      { ...hour, type: 'Payment Request Sung' },
      '--type is Payment Request Sung; allowed: Payment Request Registered',
    ],
  ])('%o is refused', async (options, message) => {
    await expect(replayed(options)).rejects.toThrow(message);
  });
});
