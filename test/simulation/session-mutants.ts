/** Deliberate mistakes in how a session is registered, changed and timed. */
import { formatDuration } from '../../functions/domain/duration.ts';
import { changesBetween } from '../../functions/domain/changes-between.ts';
import { hasRecorded } from '../../functions/domain/history.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { bentWrites, type Mutant, replacing } from './mutant.ts';
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

export const sessionMutants: readonly Mutant[] = [
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
