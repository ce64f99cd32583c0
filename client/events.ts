import type { components } from './event-types.ts';

/** The published events, by their `detail-type`. */
export type LapseEvents = components['schemas'];

/** The `detail-type` of an event. */
export type LapseEventType = keyof LapseEvents;

/** An event of Lapse, as EventBridge delivers it. Its `detail-type` says which one. */
export type LapseEvent = LapseEvents[LapseEventType];

/** All detail types. */
export const lapseEventTypes = [
  'Payment Request Registered',
  'Payment Request State Changed',
  'Payment Request Cancel Refused',
  'Payment Request Needs Attention',
  'Payment Request Attention Resolved',
  'Session Paid Twice',
  'Payment Request Would Have Canceled',
  'Payment Request Authorized',
  'Payment Request Not Authorized',
  'Payment Request Never Seen',
] as const satisfies readonly LapseEventType[];

/**
 * Whether a value is an event of Lapse in the version that these types describe; of one type, if it is given. It looks at `source`,
 * `detail-type` and `schema_version`, and trusts the bus for the rest.
 */
export function isLapseEvent(event: unknown): event is LapseEvent;
export function isLapseEvent<Type extends LapseEventType>(
  event: unknown,
  type: Type,
): event is LapseEvents[Type];
export function isLapseEvent(event: unknown, type?: LapseEventType): boolean {
  if (!isObject(event) || event['source'] !== 'lapse') return false;
  const { 'detail-type': detailType, detail } = event;
  const isWanted =
    type === undefined ? lapseEventTypes.some((each) => each === detailType) : detailType === type;
  return isWanted && isObject(detail) && detail['schema_version'] === 1;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
