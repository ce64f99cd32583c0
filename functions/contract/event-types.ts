import type { StateChangeEventType } from '../domain/state-change-event.ts';

/** The source of every event on the bus. */
export const eventSource = 'lapse';

/** The detail type of every event on the bus. */
export const eventTypes: readonly StateChangeEventType[] = Object.keys({
  'Payment Request Registered': true,
  'Payment Request State Changed': true,
  'Payment Request Cancel Refused': true,
  'Payment Request Needs Attention': true,
  'Payment Request Attention Resolved': true,
  'Session Paid Twice': true,
  'Payment Request Would Have Canceled': true,
  'Payment Request Authorized': true,
  'Payment Request Not Authorized': true,
  'Payment Request Never Seen': true,
} satisfies Record<StateChangeEventType, true>) as StateChangeEventType[];

/** The detail type of an event on the bus. */
export type EventType = StateChangeEventType;
