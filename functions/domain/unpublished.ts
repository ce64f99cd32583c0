import type { PaymentRequestKey } from './identifiers.ts';
import type { Instant } from './instant.ts';
import type { StateChangeEvent } from './state-change-event.ts';

/**
 * What could not be published and is set aside for the operator, so that it holds nothing up.
 * - `event`: an event that the bus refuses, with EventBridge's code for the reason.
 * - `write`: a write to the table that cannot be read. Only its key, its place in the stream and its time are known.
 */
export type Unpublished =
  | { readonly kind: 'event'; readonly event: StateChangeEvent; readonly reason: string }
  | {
      readonly kind: 'write';
      readonly key: PaymentRequestKey;
      readonly sequenceNumber: string;
      readonly writtenAt: Instant;
    };
