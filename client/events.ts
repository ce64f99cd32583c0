import { type components, eventFields } from './event-types.ts';

type Schemas = components['schemas'];

/** An event of Lapse. `detail-type` says which. New versions may add types, fields, and values of `state` and `cause`. */
export type LapseEvent = Schemas[keyof Schemas];

/** The name of a type of event. */
export type LapseEventType = LapseEvent['detail-type'];

/** The event of one type. */
export type LapseEventOf<Type extends LapseEventType> = Extract<LapseEvent, { readonly 'detail-type': Type }>;

/** Whether this is an event of Lapse that this version of the client knows. The envelope of EventBridge may be around it. */
export const isLapseEvent = (value: unknown): value is LapseEvent =>
  Object.keys(eventFields).some((type) => isLapseEventOf(value, type as LapseEventType));

/** Whether this is an event of Lapse of one type, with every field that such an event always has. */
export function isLapseEventOf<Type extends LapseEventType>(
  value: unknown,
  type: Type,
): value is LapseEventOf<Type> {
  if (!isObject(value) || value['source'] !== 'lapse' || value['detail-type'] !== type) return false;
  const { detail } = value;
  if (!isObject(detail) || detail['schema_version'] !== 1) return false;
  const fields: readonly (readonly [string, readonly string[]])[] = Object.entries(eventFields[type]);
  return fields.every(([name, kinds]) => kinds.includes(kindOf(detail[name])));
}

const kindOf = (value: unknown): string => (value === null ? 'null' : typeof value);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
