import { describe, expect, it } from 'vitest';
import type { Attention } from '../../client/responses.ts';
import { askAgain, attentions, listAttention } from '../../operations/attention-commands.ts';
import type { Operations } from '../../operations/compose-operations.ts';
import { recordedPrinter } from '../support/command-line.ts';
import { recordWith } from '../support/fixtures.ts';
import { requestId } from '../support/cancel-jobs.ts';
import { settingsOf } from '../support/account-settings.ts';
import { viewOf } from '../../functions/http/payment-request-view.ts';

/** An API that lists one record for each of these reasons, as the real one does: by one reason at a time. */
function apiWith(...reasons: readonly Attention[]) {
  const asked: unknown[] = [];
  const client = {
    async *list(filter: { readonly attention?: Attention }) {
      asked.push(filter);
      const { attention } = filter;
      const place = attention ? reasons.indexOf(attention) : -1;
      if (place < 0) return;
      yield await Promise.resolve(
        viewOf(recordWith({ paymentRequestId: requestId(place), state: 'CANCELED', attention })),
      );
    },
  };
  const operations = { api: () => Promise.resolve(client), settings: settingsOf('shop-se') };
  return { asked, operations: operations as unknown as Operations };
}

const listed = async (operations: Operations, attention?: Attention) => {
  const { print, lines } = recordedPrinter();
  await listAttention(operations, { account: 'shop-se', attention }, print);
  return lines;
};

describe('attention list', () => {
  it('attention list shows records in any state, of every reason', async () => {
    const { asked, operations } = apiWith('canceled_after_completed', 'contradiction');
    const lines = await listed(operations);
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^UPDATED AT +ATTENTION +NAME +STATE/);
    expect(lines[1]).toContain('contradiction');
    expect(lines[2]).toMatch(/canceled_after_completed +shop-se\/krn:payment:\S+ +CANCELED/);
    expect(asked).toEqual(attentions.map((attention) => ({ attention })));
  });

  it('attention list with --kind asks for that reason alone', async () => {
    const { asked, operations } = apiWith('contradiction', 'klarna_denied');
    expect(await listed(operations, 'klarna_denied')).toHaveLength(2);
    expect(asked).toEqual([{ attention: 'klarna_denied' }]);
  });

  it('attention list says that nothing needs attention', async () => {
    expect(await listed(apiWith().operations)).toEqual(['Nothing needs attention.']);
  });
});

it('attention ask --all names the records of every reason in a dry run', async () => {
  const { operations } = apiWith('not_found', 'contradiction');
  const { print, lines } = recordedPrinter();
  const filter = { account: 'shop-se', attention: undefined };
  expect(await askAgain(operations, filter, true, print)).toBe(true);
  expect(lines).toEqual([1, 0].map((place) => `shop-se/${requestId(place)}: would be read from Klarna.`));
});
