import { beforeEach, describe, expect, it } from 'vitest';
import type { ErasableAuthorizations, KeptAuthorizations } from '../../../functions/application/ports.ts';
import type { AuthorizationReport } from '../../../functions/domain/confirmation.ts';
import type { Account, EventId, Reference } from '../../../functions/domain/identifiers.ts';
import { mostKeptReports, triedLater, withoutReport } from '../../../functions/domain/kept-authorization.ts';
import { afterNoon } from '../../support/sessions.ts';

const account = 'shop-se' as Account;

const reportOf = (name: string, minutes = 1): AuthorizationReport => ({
  eventId: name as EventId,
  source: 'webhook',
  at: afterNoon(minutes - 1),
  reportedAt: afterNoon(minutes),
  proof: { event_type: 'payment.transaction.state-change.authorized', signing_key_id: 'k1' },
});

let references = 0;

/** What every store of kept reports must do. */
export function keptAuthorizationsContract(
  open: () => Promise<KeptAuthorizations & ErasableAuthorizations>,
): void {
  describe('reports of authorizations by reference', () => {
    let kept: KeptAuthorizations & ErasableAuthorizations;
    let reference: Reference;

    beforeEach(async () => {
      kept = await open();
      references += 1;
      reference = `order #${references} ü`.replace('#', 'no ') as Reference;
    });

    const dueAt = async (minutes: number): Promise<readonly string[]> => {
      const found = await Array.fromAsync(kept.due(afterNoon(minutes)));
      return found.filter((each) => each.reference === reference).map((each) => each.account);
    };

    it('an erasure removes the reports that it has read, and none that came since', async () => {
      await kept.keep(account, reference, reportOf('a'));
      const before = await kept.read(account, reference);
      if (!before) throw new Error('no report');
      await kept.keep(account, reference, reportOf('b'));
      await kept.remove(before);
      const now = await kept.read(account, reference);
      expect(now?.reports).toHaveLength(2);
      if (now) await kept.remove(now);
      expect(await kept.read(account, reference)).toBeUndefined();
    });

    it('a report is kept as it came, and is due at once', async () => {
      expect(await kept.read(account, reference)).toBeUndefined();
      expect(await kept.keep(account, reference, reportOf('a'))).toBe('kept');
      expect(await kept.read(account, reference)).toEqual({
        account,
        reference,
        reports: [reportOf('a')],
        attempts: 0,
        dueAt: afterNoon(1),
        version: 1,
      });
      expect([await dueAt(0), await dueAt(1)]).toEqual([[], [account]]);
    });

    it('the same report again changes nothing, even after it was linked', async () => {
      await kept.keep(account, reference, reportOf('a'));
      expect(await kept.keep(account, reference, reportOf('a', 5))).toBe('known');
      const before = await kept.read(account, reference);
      if (!before) throw new Error('not kept');
      expect(await kept.save(before, withoutReport(before, reportOf('a')))).toBe(true);
      expect(await kept.keep(account, reference, reportOf('a', 6))).toBe('known');
      expect(await kept.read(account, reference)).toMatchObject({ reports: [], dueAt: undefined });
      expect(await dueAt(60)).toEqual([]);
    });

    it('a reference keeps a bounded number of reports', async () => {
      for (let count = 0; count < mostKeptReports; count += 1)
        expect(await kept.keep(account, reference, reportOf(`r${count}`))).toBe('kept');
      expect(await kept.keep(account, reference, reportOf('one more'))).toBe('full');
      expect((await kept.read(account, reference))?.reports).toHaveLength(mostKeptReports);
    });

    it('an attempt that linked nothing is due later, and a new report at once', async () => {
      await kept.keep(account, reference, reportOf('a'));
      const before = await kept.read(account, reference);
      if (!before) throw new Error('not kept');
      await kept.save(before, triedLater(before, afterNoon(2)));
      expect([await dueAt(2), await dueAt(3)]).toEqual([[], [account]]);
      await kept.keep(account, reference, reportOf('b', 2));
      expect(await kept.read(account, reference)).toMatchObject({ attempts: 0, dueAt: afterNoon(2) });
    });

    it('what another write has changed since is not saved', async () => {
      await kept.keep(account, reference, reportOf('a'));
      const before = await kept.read(account, reference);
      if (!before) throw new Error('not kept');
      await kept.keep(account, reference, reportOf('b'));
      expect(await kept.save(before, withoutReport(before, reportOf('a')))).toBe(false);
      expect((await kept.read(account, reference))?.reports).toHaveLength(2);
    });

    it('the same reference in another account is apart', async () => {
      await kept.keep(account, reference, reportOf('a'));
      expect(await kept.read('shop-no' as Account, reference)).toBeUndefined();
    });
  });
}
