import { beforeEach, describe, expect, it } from 'vitest';
import { eraseReferences } from '../../functions/application/erase-references.ts';
import type { AwaitedReference } from '../../functions/domain/awaited-reference.ts';
import type { RegisteredSession } from '../../functions/domain/payment-request.ts';
import type { Reference, SessionId } from '../../functions/domain/identifiers.ts';
import { requestId } from '../support/cancel-jobs.ts';
import { account, noon, recordWith, versioned } from '../support/fixtures.ts';
import { InMemoryAwaitedReferences } from '../support/in-memory-awaited-references.ts';
import { InMemoryKeptAuthorizations } from '../support/in-memory-kept-authorizations.ts';
import { InMemoryPaymentRequestStore } from '../support/in-memory-payment-request-store.ts';

const reference = 'order of Anna' as Reference;
const item: AwaitedReference = {
  ...{ account, reference, status: 'joined', since: noon, attempts: 0, version: 1, updatedAt: noon },
  cancel: { reason: 'Anna asked', requestedBy: 'shop', requestedAt: noon },
};
const report = { eventId: 'a1' as never, source: 'webhook', at: noon, reportedAt: noon, proof: {} } as const;

describe('eraseReferences', () => {
  let store: InMemoryPaymentRequestStore;
  let awaited: InMemoryAwaitedReferences;
  let authorizations: InMemoryKeptAuthorizations;

  beforeEach(() => {
    store = new InMemoryPaymentRequestStore();
    awaited = new InMemoryAwaitedReferences();
    authorizations = new InMemoryKeptAuthorizations();
  });

  const record = (number: number) =>
    store.save(
      undefined,
      versioned(recordWith({ paymentRequestId: requestId(number), state: 'CANCELED', reference })),
    );
  const erase = (gone: readonly number[], isDryRun = false, named?: Reference) =>
    eraseReferences({ store, references: store, awaited, authorizations })(
      account,
      { reference: named, gone: new Set(gone.map(requestId)), kept: new Set() },
      isDryRun,
    );
  const stored = () => [awaited.items.size, authorizations.items.size];

  it('what waited for the reference of an erased record goes, with the reports that wait for it', async () => {
    await record(1);
    await awaited.save(item);
    await authorizations.keep(account, reference, report);
    expect(await erase([1], true)).toEqual([{ account, reference, outcome: 'erased' }]);
    expect(stored()).toEqual([1, 1]);
    expect(await erase([1])).toEqual([{ account, reference, outcome: 'erased' }]);
    expect(stored()).toEqual([0, 0]);
    expect(await erase([1])).toEqual([]);
  });

  it('a reference goes by its name, also where no record has it', async () => {
    await awaited.save({ ...item, status: 'never_seen' });
    expect(await erase([], false, reference)).toEqual([{ account, reference, outcome: 'erased' }]);
    await authorizations.keep(account, reference, report);
    expect(await erase([], false, reference)).toEqual([{ account, reference, outcome: 'erased' }]);
    expect(stored()).toEqual([0, 0]);
  });

  it('a session or a cancel that still waits is left', async () => {
    await awaited.save({ ...item, status: 'waiting' });
    await authorizations.keep(account, reference, report);
    expect(await erase([], false, reference)).toEqual([{ account, reference, outcome: 'waiting' }]);
    expect(stored()).toEqual([1, 1]);
  });

  describe('of a session', () => {
    const sessionId = 'cart of Anna' as SessionId;
    const registered = { registeredAt: noon } as unknown as RegisteredSession;
    const session = { deadlineAt: noon, sessionId, registered, requestedBy: 'shop' };
    const ofSession = (kept: readonly number[] = [], id = sessionId) =>
      eraseReferences({ store, references: store, awaited, authorizations })(
        account,
        { sessionId: id, gone: new Set(), kept: new Set(kept.map(requestId)) },
        false,
      );

    it('a session that was registered by reference goes, where no request was ever seen', async () => {
      await awaited.save({ ...item, session, status: 'never_seen' });
      await authorizations.keep(account, reference, report);
      expect(await ofSession([], 'cart of Bert' as SessionId)).toEqual([]);
      expect(await ofSession()).toEqual([{ account, reference, outcome: 'erased' }]);
      expect(stored()).toEqual([0, 0]);
    });

    it('one that still waits is left', async () => {
      await awaited.save({ ...item, session, status: 'waiting' });
      expect(await ofSession()).toEqual([{ account, reference, outcome: 'waiting' }]);
      expect(stored()).toEqual([1, 0]);
    });

    it('reports that are of another request with the reference are left', async () => {
      await record(1);
      await awaited.save({ ...item, session });
      await authorizations.keep(account, reference, report);
      expect(await ofSession()).toEqual([{ account, reference, outcome: 'erased' }]);
      expect(stored()).toEqual([0, 1]);
    });

    it('where a request of the session is kept, so is what waited for it', async () => {
      await record(1);
      await awaited.save({ ...item, session });
      expect(await ofSession([1])).toEqual([]);
      expect(stored()).toEqual([1, 0]);
    });
  });

  it('what begins to wait during the erasure is left', async () => {
    await awaited.save(item);
    const racing = Object.assign(new InMemoryAwaitedReferences(), {
      read: () => Promise.resolve(item),
      remove: () => Promise.resolve(false),
    });
    const dependencies = { store, references: store, awaited: racing, authorizations };
    expect(
      await eraseReferences(dependencies)(account, { reference, gone: new Set(), kept: new Set() }, false),
    ).toEqual([{ account, reference, outcome: 'waiting' }]);
  });

  it('a reference that another record has is left', async () => {
    await record(1);
    await record(2);
    await awaited.save(item);
    expect(await erase([1])).toEqual([]);
    expect(await erase([1, 2])).toHaveLength(1);
  });
});
