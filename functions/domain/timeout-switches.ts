import type { Instant } from './instant.ts';
import type { ObserveReason, OnTimeout, RegisteredSession } from './payment-request.ts';

/** What a stage decides about the ends of all its sessions. */
export interface StageSwitches {
  /** Whether every session is only observed at its deadline. */
  readonly observe: boolean;
  /** Sessions that were registered before this moment are only observed. */
  readonly armedFrom: Instant | undefined;
}

/** A stage that observes nothing by itself. */
export const armedStage: StageSwitches = { observe: false, armedFrom: undefined };

/** The most rules for kinds of checkout that an account may have. */
export const mostKinds = 20;

/** What an account and its stage decide about the ends of sessions. */
export interface TimeoutSwitches {
  readonly stage: StageSwitches;
  /** Sessions of the account that were registered before this moment are only observed. */
  readonly armedFrom: Instant | undefined;
  /** Whether sessions that do not say are only observed. */
  readonly observe: boolean;
  /** The same for sessions of one kind of checkout, in place of `observe`. */
  readonly kinds: Readonly<Record<string, OnTimeout>>;
}

/** What is known of a session when its end is decided. */
export type SwitchedSession = Pick<
  RegisteredSession,
  'registeredAt' | 'onTimeout' | 'asked' | 'kind' | 'observedBy'
>;

/**
 * Why the session is only observed; `undefined` where it is canceled at its deadline. A session that is observed stays so until a
 * registration changes it. So a switch that is turned off begins to cancel nothing.
 */
export function observeReasonOf(
  session: SwitchedSession,
  switches: TimeoutSwitches,
): ObserveReason | undefined {
  const { stage, armedFrom, observe, kinds } = switches;
  const { registeredAt, onTimeout, asked, kind, observedBy } = session;
  if (stage.observe) return 'stage';
  const isBefore = [stage.armedFrom, armedFrom].some((from) => from !== undefined && registeredAt < from);
  if (isBefore) return 'armed_from';
  if (onTimeout === 'observe') return observedBy ?? 'session';
  if (asked === 'cancel') return undefined;
  const rule = ruleOf(kinds, kind);
  if (rule !== undefined) return rule === 'observe' ? 'kind' : undefined;
  return observe ? 'account' : undefined;
}

/** The session as it is observed for this reason. What its caller asked for stays known. */
export const observedSession = <Session extends SwitchedSession>(
  session: Session,
  by: ObserveReason,
): Session =>
  session.onTimeout === 'observe' ? session : { ...session, onTimeout: 'observe', observedBy: by };

const ruleOf = (kinds: TimeoutSwitches['kinds'], kind: string | undefined): OnTimeout | undefined =>
  kind !== undefined && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
