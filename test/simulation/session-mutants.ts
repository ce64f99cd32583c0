/** Deliberate mistakes in how a session is registered, changed and timed. */
import { formatDuration } from '../../functions/domain/duration.ts';
import { changesBetween } from '../../functions/domain/changes-between.ts';
import { hasRecorded } from '../../functions/domain/history.ts';
import type { AccountSettings } from '../../functions/domain/account-settings.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { armedStage } from '../../functions/domain/timeout-switches.ts';
import { bending, bentWrites, type Mutant, replacing } from './mutant.ts';
import { useCases } from './protocol.ts';

/** The record with its attention in each new entry of the cancel that failed. */
function flagged(next: PaymentRequest, current: PaymentRequest | undefined): PaymentRequest {
  const history = next.history.map((entry) =>
    entry.kind === 'cancel_request' &&
    entry.effect === 'noted' &&
    entry.detail['conclusion'] !== undefined &&
    !(current && hasRecorded(current, entry.eventId))
      ? { ...entry, attention: next.attention }
      : entry,
  );
  const changes = changesBetween(current, { ...next, history });
  return { ...next, history, changes, sequence: (current?.sequence ?? 0) + changes.length };
}

/** The settings of an account as if no operator had turned a switch. */
const unswitched = (settings: AccountSettings | undefined): AccountSettings | undefined =>
  settings && { ...settings, stage: armedStage, armedFrom: undefined, kinds: {}, observe: false };

export const sessionMutants: readonly Mutant[] = [
  {
    name: 'a switch counts only for sessions that are registered after it was turned',
    invariant: 'switched-is-observed',
    protocol: bending((ports, task) =>
      task.function === 'timer' || task.function === 'sweep'
        ? { ...ports, accounts: { find: async (account) => unswitched(await ports.accounts.find(account)) } }
        : ports,
    ),
  },
  {
    name: 'what would have been canceled is noted and not published',
    invariant: 'every-fact-is-an-event',
    protocol: bentWrites((next, current) => {
      const changes = next.changes.filter(({ kind }) => kind !== 'would_cancel');
      return { ...next, changes, sequence: (current?.sequence ?? 0) + changes.length };
    }),
  },
  {
    name: 'a registration without on_timeout means cancel',
    invariant: 'left-out-stays',
    protocol: replacing({
      register:
        (dependencies) =>
        (key, { onTimeout = 'cancel', ...registration }, settings) =>
          useCases.register(dependencies)(key, { ...registration, onTimeout }, settings),
    }),
  },
  {
    name: "a registration without a time gets the account's default, whatever the session has",
    invariant: 'left-out-stays',
    protocol: replacing({
      register: (dependencies) => (key, registration, settings) => {
        const { defaultSessionTimeout: millis } = settings;
        const byDefault =
          millis === undefined
            ? undefined
            : ({
                kind: 'session_timeout',
                millis,
                given: formatDuration(millis),
                isDefault: true,
              } as const);
        const deadline = registration.deadline ?? byDefault;
        return useCases.register(dependencies)(key, { ...registration, deadline }, settings);
      },
    }),
  },
  {
    name: 'every failed attempt of a cancel needs attention again',
    invariant: 'attention-is-news',
    protocol: bentWrites(flagged),
  },
];
