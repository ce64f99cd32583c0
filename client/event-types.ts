/** The events on the bus. `npm run generate` writes this file from docs/events. */

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * Payment Request Cancel Refused
         * @description A cancel was requested and not carried out, because the customer has paid or the request has ended.
         */
        readonly PaymentRequestCancelRefused: {
            /** @constant */
            readonly source: "lapse";
            /** @constant */
            readonly "detail-type": "Payment Request Cancel Refused";
            readonly detail: {
                /** @description The same for every delivery of this event. Use it to remove duplicates. */
                readonly event_key: string;
                /**
                 * @description The version of this schema. It changes only with an incompatible change.
                 * @constant
                 */
                readonly schema_version: 1;
                /** @description The deployment's name for the Klarna partner account. */
                readonly account: string;
                /** @description Klarna's id of the Payment Request. */
                readonly payment_request_id: string;
                /** @description The shop's id of the checkout session. null if none was registered. */
                readonly session_id: string | null;
                /** @description The shop's own reference. null if none was registered. */
                readonly reference: string | null;
                /**
                 * @description Klarna's state. null until Klarna has sent one.
                 * @enum {string|null}
                 */
                readonly state: "SUBMITTED" | "IN_PROGRESS" | "COMPLETED" | "CANCELED" | "EXPIRED" | "DECLINED" | null;
                /**
                 * @description The state before this one. null if it is not known.
                 * @enum {string|null}
                 */
                readonly previous_state: "SUBMITTED" | "IN_PROGRESS" | "COMPLETED" | "CANCELED" | "EXPIRED" | "DECLINED" | null;
                /**
                 * @description What requested the cancel: api for a call, timeout for the deadline of the session.
                 * @enum {string|null}
                 */
                readonly cause: "api" | "timeout" | null;
                /** @description The reason that the caller gave for the cancel. */
                readonly reason: string | null;
                /**
                 * Format: date-time
                 * @description When it happened, by Klarna's clock if Klarna reported the time.
                 */
                readonly occurred_at: string;
                /**
                 * Format: date-time
                 * @description When Lapse recorded it.
                 */
                readonly recorded_at: string;
                /** @description The version of the record after the write. It orders the events of one Payment Request. */
                readonly version: number;
            };
        };
        /**
         * Payment Request Needs Attention
         * @description Lapse found something that a person must decide. cause says what.
         */
        readonly PaymentRequestNeedsAttention: {
            /** @constant */
            readonly source: "lapse";
            /** @constant */
            readonly "detail-type": "Payment Request Needs Attention";
            readonly detail: {
                /** @description The same for every delivery of this event. Use it to remove duplicates. */
                readonly event_key: string;
                /**
                 * @description The version of this schema. It changes only with an incompatible change.
                 * @constant
                 */
                readonly schema_version: 1;
                /** @description The deployment's name for the Klarna partner account. */
                readonly account: string;
                /** @description Klarna's id of the Payment Request. */
                readonly payment_request_id: string;
                /** @description The shop's id of the checkout session. null if none was registered. */
                readonly session_id: string | null;
                /** @description The shop's own reference. null if none was registered. */
                readonly reference: string | null;
                /**
                 * @description Klarna's state. null until Klarna has sent one.
                 * @enum {string|null}
                 */
                readonly state: "SUBMITTED" | "IN_PROGRESS" | "COMPLETED" | "CANCELED" | "EXPIRED" | "DECLINED" | null;
                /**
                 * @description The state before this one. null if it is not known.
                 * @enum {string|null}
                 */
                readonly previous_state: "SUBMITTED" | "IN_PROGRESS" | "COMPLETED" | "CANCELED" | "EXPIRED" | "DECLINED" | null;
                /**
                 * @description Why a person must look.
                 * @enum {string}
                 */
                readonly cause: "contradiction" | "canceled_after_completed" | "not_found" | "klarna_denied" | "unknown_state";
                /** @description The reason that the caller gave for the cancel. */
                readonly reason: string | null;
                /**
                 * Format: date-time
                 * @description When it happened, by Klarna's clock if Klarna reported the time.
                 */
                readonly occurred_at: string;
                /**
                 * Format: date-time
                 * @description When Lapse recorded it.
                 */
                readonly recorded_at: string;
                /** @description The version of the record after the write. It orders the events of one Payment Request. */
                readonly version: number;
            };
        };
        /**
         * Payment Request Registered
         * @description A session was registered for a Payment Request.
         */
        readonly PaymentRequestRegistered: {
            /** @constant */
            readonly source: "lapse";
            /** @constant */
            readonly "detail-type": "Payment Request Registered";
            readonly detail: {
                /** @description The same for every delivery of this event. Use it to remove duplicates. */
                readonly event_key: string;
                /**
                 * @description The version of this schema. It changes only with an incompatible change.
                 * @constant
                 */
                readonly schema_version: 1;
                /** @description The deployment's name for the Klarna partner account. */
                readonly account: string;
                /** @description Klarna's id of the Payment Request. */
                readonly payment_request_id: string;
                /** @description The shop's id of the checkout session. null if none was registered. */
                readonly session_id: string | null;
                /** @description The shop's own reference. null if none was registered. */
                readonly reference: string | null;
                /**
                 * @description Klarna's state. null until Klarna has sent one.
                 * @enum {string|null}
                 */
                readonly state: "SUBMITTED" | "IN_PROGRESS" | "COMPLETED" | "CANCELED" | "EXPIRED" | "DECLINED" | null;
                /**
                 * @description The state before this one. null if it is not known.
                 * @enum {string|null}
                 */
                readonly previous_state: "SUBMITTED" | "IN_PROGRESS" | "COMPLETED" | "CANCELED" | "EXPIRED" | "DECLINED" | null;
                /**
                 * @description Always null for this event.
                 * @constant
                 */
                readonly cause: unknown;
                /**
                 * @description Always null for this event.
                 * @constant
                 */
                readonly reason: unknown;
                /**
                 * Format: date-time
                 * @description When it happened, by Klarna's clock if Klarna reported the time.
                 */
                readonly occurred_at: string;
                /**
                 * Format: date-time
                 * @description When Lapse recorded it.
                 */
                readonly recorded_at: string;
                /** @description The version of the record after the write. It orders the events of one Payment Request. */
                readonly version: number;
            };
        };
        /**
         * Payment Request State Changed
         * @description Klarna's state of the Payment Request changed. Lapse learned it from a webhook, a read or a cancel.
         */
        readonly PaymentRequestStateChanged: {
            /** @constant */
            readonly source: "lapse";
            /** @constant */
            readonly "detail-type": "Payment Request State Changed";
            readonly detail: {
                /** @description The same for every delivery of this event. Use it to remove duplicates. */
                readonly event_key: string;
                /**
                 * @description The version of this schema. It changes only with an incompatible change.
                 * @constant
                 */
                readonly schema_version: 1;
                /** @description The deployment's name for the Klarna partner account. */
                readonly account: string;
                /** @description Klarna's id of the Payment Request. */
                readonly payment_request_id: string;
                /** @description The shop's id of the checkout session. null if none was registered. */
                readonly session_id: string | null;
                /** @description The shop's own reference. null if none was registered. */
                readonly reference: string | null;
                /**
                 * @description Klarna's state.
                 * @enum {string}
                 */
                readonly state: "SUBMITTED" | "IN_PROGRESS" | "COMPLETED" | "CANCELED" | "EXPIRED" | "DECLINED";
                /**
                 * @description The state before this one. null if it is not known.
                 * @enum {string|null}
                 */
                readonly previous_state: "SUBMITTED" | "IN_PROGRESS" | "COMPLETED" | "CANCELED" | "EXPIRED" | "DECLINED" | null;
                /**
                 * @description What ended the request if Lapse canceled it: api for a call, timeout for the deadline of the session. null otherwise.
                 * @enum {string|null}
                 */
                readonly cause: "api" | "timeout" | null;
                /** @description The reason that the caller gave for the cancel. */
                readonly reason: string | null;
                /**
                 * Format: date-time
                 * @description When it happened, by Klarna's clock if Klarna reported the time.
                 */
                readonly occurred_at: string;
                /**
                 * Format: date-time
                 * @description When Lapse recorded it.
                 */
                readonly recorded_at: string;
                /** @description The version of the record after the write. It orders the events of one Payment Request. */
                readonly version: number;
            };
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
/** The kinds that each field of an event can have, by the event's detail type. */
export const eventFields = {
  "Payment Request Cancel Refused": {
    "event_key": [
      "string"
    ],
    "schema_version": [
      "number"
    ],
    "account": [
      "string"
    ],
    "payment_request_id": [
      "string"
    ],
    "session_id": [
      "string",
      "null"
    ],
    "reference": [
      "string",
      "null"
    ],
    "state": [
      "string",
      "null"
    ],
    "previous_state": [
      "string",
      "null"
    ],
    "cause": [
      "string",
      "null"
    ],
    "reason": [
      "string",
      "null"
    ],
    "occurred_at": [
      "string"
    ],
    "recorded_at": [
      "string"
    ],
    "version": [
      "number"
    ]
  },
  "Payment Request Needs Attention": {
    "event_key": [
      "string"
    ],
    "schema_version": [
      "number"
    ],
    "account": [
      "string"
    ],
    "payment_request_id": [
      "string"
    ],
    "session_id": [
      "string",
      "null"
    ],
    "reference": [
      "string",
      "null"
    ],
    "state": [
      "string",
      "null"
    ],
    "previous_state": [
      "string",
      "null"
    ],
    "cause": [
      "string"
    ],
    "reason": [
      "string",
      "null"
    ],
    "occurred_at": [
      "string"
    ],
    "recorded_at": [
      "string"
    ],
    "version": [
      "number"
    ]
  },
  "Payment Request Registered": {
    "event_key": [
      "string"
    ],
    "schema_version": [
      "number"
    ],
    "account": [
      "string"
    ],
    "payment_request_id": [
      "string"
    ],
    "session_id": [
      "string",
      "null"
    ],
    "reference": [
      "string",
      "null"
    ],
    "state": [
      "string",
      "null"
    ],
    "previous_state": [
      "string",
      "null"
    ],
    "cause": [
      "null"
    ],
    "reason": [
      "null"
    ],
    "occurred_at": [
      "string"
    ],
    "recorded_at": [
      "string"
    ],
    "version": [
      "number"
    ]
  },
  "Payment Request State Changed": {
    "event_key": [
      "string"
    ],
    "schema_version": [
      "number"
    ],
    "account": [
      "string"
    ],
    "payment_request_id": [
      "string"
    ],
    "session_id": [
      "string",
      "null"
    ],
    "reference": [
      "string",
      "null"
    ],
    "state": [
      "string"
    ],
    "previous_state": [
      "string",
      "null"
    ],
    "cause": [
      "string",
      "null"
    ],
    "reason": [
      "string",
      "null"
    ],
    "occurred_at": [
      "string"
    ],
    "recorded_at": [
      "string"
    ],
    "version": [
      "number"
    ]
  }
} as const;
