import { describe, expect, it } from 'vitest';
import type { StoredDelivery } from '../../functions/domain/quarantined-delivery.ts';
import { runCommandLine, usage } from '../../operations/command-line.ts';
import { replayQuarantine } from '../../operations/quarantine-commands.ts';
import { noon } from '../support/fixtures.ts';

const run = (...command: readonly string[]) => runCommandLine(command, () => undefined);

describe('the command line', () => {
  it('tells how it is used', async () => {
    const lines: string[] = [];
    expect(await runCommandLine([], (line) => lines.push(line))).toBe(true);
    expect(lines).toEqual([usage]);
  });

  it('wants to know which system it is for', async () => {
    await expect(run('timers', 'list')).rejects.toThrow('Exactly one of --outputs and --control');
  });

  it.each<[string, string]>([
    [
      'quarantine replay k/e --all',
      'quarantine replay is given names with --all; allowed: names, or --all with --reason.',
    ],
    ['quarantine replay k/e --reason malformed', 'given names with --reason; allowed: names, or --all'],
    ['quarantine replay --all --account demo', 'given --all with --account; allowed: names, or --all'],
    ['quarantine list k/e', 'quarantine list is given names; allowed: --reason.'],
    ['quarantine explain k/e --reason malformed', 'given names with --reason; allowed: names.'],
    [
      'attention ask demo/x --all --account demo',
      'given names with --all with --account; allowed: names, or --all with --account with --kind.',
    ],
    ['attention ask demo/x --kind contradiction', 'given names with --kind; allowed: names, or --all'],
    ['attention explain demo/x --account demo', 'given names with --account; allowed: names.'],
    ['attention list demo/x --account demo', 'given names with --account; allowed: --account with --kind.'],
    ['unpublished replay m1', 'unpublished replay is given names; allowed: nothing.'],
    ['unpublished list m1', 'unpublished list is given names; allowed: nothing.'],
    ['timers redrive m1', 'timers redrive is given names; allowed: nothing.'],
    ['timers list --all', 'timers list is given --all; allowed: nothing.'],
  ])('refuses what it would ignore: %s', async (command, sentence) => {
    // No such file: nothing is even looked for before the command itself makes sense.
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
  ])('takes what goes together: %s', async (command) => {
    await expect(run(...command.split(' '), '--outputs', '/nowhere')).rejects.toThrow('ENOENT');
  });
});

describe('deliveries that are put through again by their names', () => {
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

  it('are put through in the order in which they are named', async () => {
    expect(await replayed('k/b', 'k/a')).toEqual(['b', 'a']);
  });

  it('are all looked for first: one wrong name, and none is put through', async () => {
    expect(await replayed('k/a', 'k/x', 'k/b')).toEqual([
      'Error: k/x is not in quarantine; allowed: <signing key id>/<event id>, as list prints them.',
    ]);
  });
});
