/** One Payment Request as the simulator has it. */
export interface AtKlarna {
  readonly payment_request: {
    readonly state: string;
    readonly state_reason?: string;
    readonly expires_at: string;
    readonly abandoned_at?: string;
    readonly deleted_at?: string;
  };
  readonly calls: readonly {
    readonly call_id: string;
    readonly at: string;
    readonly method: string;
    readonly status: number | null;
    readonly fault: string | null;
  }[];
  readonly deliveries: readonly {
    readonly delivery_id: string;
    readonly event_type: string;
    readonly status: string;
    readonly occurred_at: string;
    readonly next_attempt_at?: string;
    readonly attempts: readonly {
      readonly at: string;
      readonly status?: number;
      readonly wrong_signature?: true;
    }[];
  }[];
}
