import { describe, expect, it } from 'vitest';
import type { StoredDelivery } from '../../functions/domain/quarantined-delivery.ts';
import { runCommandLine, usage } from '../../operations/command-line.ts';
import { replayQuarantine } from '../../operations/quarantine-commands.ts';
import { noon } from '../support/fixtures.ts';

const run = (...command: readonly string[]) => runCommandLine(command, () => undefined);

describe('the command line', () => {
  it('the command line without arguments prints its usage', async () => {
    const lines: string[] = [];
    expect(await runCommandLine([], (line) => lines.push(line))).toBe(true);
    expect(lines).toEqual([usage]);
  });

  it('a command without a system is refused', async () => {
    await expect(run('timers', 'list')).rejects.toThrow('exactly one of --outputs and --control');
  });

  it.each<[string, string]>([
    [
      'quarantine replay k/e --all',
      'quarantine replay does not accept names with --all; allowed: names, or --all with --reason.',
    ],
    [
      'quarantine replay k/e --reason malformed',
      'does not accept names with --reason; allowed: names, or --all',
    ],
    [
      'quarantine replay --all --account demo',
      'does not accept --all with --account; allowed: names, or --all',
    ],
    ['quarantine list k/e', 'quarantine list does not accept names; allowed: --reason.'],
    ['quarantine explain k/e --reason malformed', 'does not accept names with --reason; allowed: names.'],
    [
      'attention ask demo/x --all --account demo',
      'does not accept names with --all with --account; allowed: names, or --all with --account with --kind.',
    ],
    [
      'attention ask demo/x --kind contradiction',
      'does not accept names with --kind; allowed: names, or --all',
    ],
    ['attention explain demo/x --account demo', 'does not accept names with --account; allowed: names.'],
    [
      'attention list demo/x --account demo',
      'does not accept names with --account; allowed: --account with --kind.',
    ],
    ['unpublished replay m1', 'unpublished replay does not accept names; allowed: no options.'],
    ['unpublished list m1', 'unpublished list does not accept names; allowed: no options.'],
    ['timers redrive m1', 'timers redrive does not accept names; allowed: no options.'],
    ['timers list --all', 'timers list does not accept --all; allowed: no options.'],
  ])('options that would have no effect are refused: %s', async (command, sentence) => {
    // The file does not exist, which shows that the options are checked first.
    await expect(run(...command.split(' '), '--outputs', '/nowhere')).rejects.toThrow(sentence);
  });

  it.each([
    'quarantine list --reason malformed',
    'quarantine replay k/e',
    'quarantine replay --all --reason malformed',
    'attention list --account demo --kind contradiction',
    'attention ask demo/x demo/y',
    'attention ask --all --account demo',
    'unpublished replay --dry-run',
  ])('options that belong together are accepted: %s', async (command) => {
    await expect(run(...command.split(' '), '--outputs', '/nowhere')).rejects.toThrow('ENOENT');
  });
});

describe('deliveries that are replayed by their names', () => {
  const delivery = (deliveryId: string): StoredDelivery => ({
    signingKeyId: 'k',
    deliveryId,
    reason: 'other_account',
    receivedAt: noon,
    bodySha256: 'ab',
    facts: {},
  });
  const kept = [delivery('a'), delivery('b')];

  async function replayed(...names: readonly string[]): Promise<readonly string[]> {
    const done: string[] = [];
    const operations = {
      quarantine: {
        async *all() {
          yield* await Promise.resolve(kept);
        },
        read: (id: { readonly deliveryId: string }) =>
          Promise.resolve(kept.find(({ deliveryId }) => deliveryId === id.deliveryId)),
        noteReplay: () => Promise.resolve(),
      },
      replay: ({ deliveryId }: { readonly deliveryId: string }) => {
        done.push(deliveryId);
        return Promise.resolve({ kind: 'taken', verdict: 'stale' } as const);
      },
    };
    await replayQuarantine(operations, names, false, () => undefined).catch((error: unknown) =>
      done.push(String(error)),
    );
    return done;
  }

  it('deliveries are replayed in the given order', async () => {
    expect(await replayed('k/b', 'k/a')).toEqual(['b', 'a']);
  });

  it('no delivery is replayed when one name is wrong', async () => {
    expect(await replayed('k/a', 'k/x', 'k/b')).toEqual([
      'Error: k/x is not in quarantine; allowed: <signing key id>/<event id>, as list prints them.',
    ]);
  });
});
