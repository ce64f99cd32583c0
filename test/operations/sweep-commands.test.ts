import { describe, expect, it } from 'vitest';
import { printerOn } from '../../operations/printer.ts';
import { showPreview } from '../../operations/sweep-commands.ts';
import type { PreviewQuery, SweepPreview } from '../../operations/sweep-preview.ts';
import { requestId } from '../support/cancel-jobs.ts';
import { recordedTerminal, runCommand } from '../support/command-line.ts';

const none = {
  ...{ cancel: 0, observe: 0, settle: 0, read: 0, arm: 0, compare: 0, confirm: 0 },
  ...{ none: 0, unknown_account: 0 },
};
const preview: SweepPreview = {
  at: '2026-03-01T12:00:00Z',
  counts: { ...none, cancel: 2, observe: 1 },
  is_whole: true,
  cancel_jobs: 2,
  references: 0,
  first: [
    {
      account: 'shop-se',
      payment_request_id: requestId(1),
      action: 'observe',
      reason: 'armed_from',
      deadline_at: '2026-03-01T11:59:00Z',
    },
    {
      account: 'shop-no',
      payment_request_id: requestId(2),
      action: 'settle',
      reason: null,
      deadline_at: null,
    },
  ],
};

/** What the command prints, and what it asked the API for. */
async function shown(response: SweepPreview, json = false) {
  const { terminal, lines } = recordedTerminal();
  const asked: PreviewQuery[] = [];
  const previewSweep = (query: PreviewQuery) => {
    asked.push(query);
    return Promise.resolve(response);
  };
  await showPreview({ previewSweep }, { limit: 20 }, printerOn(terminal, { json }));
  return { lines, asked };
}

describe('lapse sweep preview', () => {
  it('the command counts each action, and names the first records', async () => {
    const { lines, asked } = await shown(preview);
    expect(lines[0]).toBe('At 2026-03-01T12:00:00Z: cancel 2, observe 1, cancel jobs 2.');
    expect(lines.slice(1).map((line) => line.split(/ {2,}/))).toEqual([
      ['ACTION', 'BECAUSE', 'DEADLINE', 'REQUEST'],
      ['observe', 'armed_from', '2026-03-01T11:59:00Z', `shop-se/${requestId(1)}`],
      ['settle', '-', '-', `shop-no/${requestId(2)}`],
    ]);
    expect(asked).toEqual([{ limit: 20 }]);
  });

  it('the command says where records are left out, and where nothing is due', async () => {
    expect((await shown({ ...preview, is_whole: false })).lines[0]).toContain('only the first 2,000');
    expect((await shown({ ...preview, counts: none, cancel_jobs: 0, first: [] })).lines).toEqual([
      'At 2026-03-01T12:00:00Z: nothing is due.',
      'No record is due.',
    ]);
  });

  it('with --json the command prints the preview of the API', async () => {
    const { lines } = await shown(preview, true);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([preview]);
  });

  it.each([
    [['--account', 'shop-se'], '--account does not go with sweep preview: the sweep is over all accounts.'],
    [['--at', 'soon'], '--at is soon; allowed: a time in RFC 3339, such as 2026-03-01T12:00:00Z.'],
    [['--limit', '0'], '--limit is 0; allowed: a whole number from 1 to 100.'],
    [['--limit', '101'], '--limit is 101; allowed: a whole number from 1 to 100.'],
  ])('the command refuses %j', async (options, error) => {
    expect(await runCommand(['sweep', 'preview', ...options])).toMatchObject({ code: 2, errors: [error] });
  });
});
