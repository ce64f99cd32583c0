/** Who sent a call, as records name callers, and the trace id that came with it. */
export interface Requester {
  readonly requestedBy: string;
  readonly callerTraceId?: string | undefined;
}

/** What a history entry tells of who sent the call. */
export const requesterDetail = ({ requestedBy, callerTraceId }: Requester) => ({
  requested_by: requestedBy,
  ...(callerTraceId !== undefined && { caller_trace_id: callerTraceId }),
});
