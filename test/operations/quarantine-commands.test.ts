import { describe, expect, it } from 'vitest';
import type { StoredDelivery } from '../../functions/domain/quarantined-delivery.ts';
import { replayQuarantine } from '../../operations/quarantine-commands.ts';
import { recordedPrinter } from '../support/command-line.ts';
import { noon } from '../support/fixtures.ts';

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
    await replayQuarantine(operations, names, false, recordedPrinter().print.result).catch((error: unknown) =>
      done.push(String(error)),
    );
    return done;
  }

  it('deliveries are replayed in the given order', async () => {
    expect(await replayed('k/b', 'k/a')).toEqual(['b', 'a']);
  });

  it('no delivery is replayed when one name is wrong', async () => {
    expect(await replayed('k/a', 'k/x', 'k/b')).toEqual([
      'UsageError: k/x is not in quarantine; allowed: <signing key id>/<event id>, as list shows them.',
    ]);
  });
});
