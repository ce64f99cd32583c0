import { type FaultKind, faultKinds } from './engine.ts';
import { type Mode, modes } from './plan.ts';
import type { Report } from './simulation.ts';

/** The figures of the runs of one mode. */
export interface ModeFigures {
  runs: number;
  sweepRepairs: number;
}

/** The figures of cancels in one reading of COMPLETED. */
export interface CancelFigures {
  canceled: number;
  canceledAfterPaid: number;
}

/** The contents of a tally, as another thread sends them. */
export type Figures = Omit<Tally, 'add' | 'merge' | 'faultsByKind' | 'faultKindsNotTried'>;

/** Adds up the figures of many runs. */
export class Tally {
  readonly courses = new Set<number>();
  /** Calls by function and port, and how often each kind of fault struck there. */
  readonly sites = new Map<string, number>();
  readonly faults = new Map<string, number>();
  /** How often each event reached a record in each state, by `state × event`. */
  readonly meetings = new Map<string, number>();
  /**
   * Sessions by lateness, as the power of two of the milliseconds, for each mode and for the sweep as the only timer.
   */
  readonly lateness: Record<Mode | 'swept', Map<number, number>> = {
    full: new Map(),
    lossless: new Map(),
    unswept: new Map(),
    swept: new Map(),
  };
  readonly of: Record<Mode, ModeFigures> = {
    full: { runs: 0, sweepRepairs: 0 },
    lossless: { runs: 0, sweepRepairs: 0 },
    unswept: { runs: 0, sweepRepairs: 0 },
  };
  readonly lax: CancelFigures = { canceled: 0, canceledAfterPaid: 0 };
  readonly strict: CancelFigures = { canceled: 0, canceledAfterPaid: 0 };
  runs = 0;
  /** Runs in which the sweep is the only timer. */
  swept = 0;
  requests = 0;
  calls = 0;
  events = 0;
  published = 0;
  mostDeletes = 0;
  mostCalls = 0;

  add(report: Report): void {
    const { mode, manners, isSweepTheTimer } = report.plan;
    this.runs += 1;
    if (isSweepTheTimer) this.swept += 1;
    this.requests += report.requests;
    const cancels = manners.lax ? this.lax : this.strict;
    cancels.canceled += report.canceled;
    cancels.canceledAfterPaid += report.canceledAfterPaid;
    this.courses.add(report.course);
    this.calls += report.steps;
    this.events += report.events;
    this.published += report.published;
    this.mostDeletes = Math.max(this.mostDeletes, report.mostDeletes);
    this.mostCalls = Math.max(this.mostCalls, report.mostCalls);
    this.of[mode].runs += 1;
    this.of[mode].sweepRepairs += report.sweepRepairs;
    addTo(this.sites, report.sites);
    addTo(this.faults, report.faults);
    addTo(this.meetings, report.meetings);
    const lateness = this.lateness[isSweepTheTimer ? 'swept' : mode];
    for (const late of report.lateness) addTo(lateness, [[Math.ceil(Math.log2(late + 1)), 1]]);
  }

  /** Adds the figures of another tally. */
  merge(other: Figures): void {
    for (const course of other.courses) this.courses.add(course);
    for (const what of ['sites', 'faults', 'meetings'] as const) addTo(this[what], other[what]);
    for (const mode of modes) {
      this.of[mode].runs += other.of[mode].runs;
      this.of[mode].sweepRepairs += other.of[mode].sweepRepairs;
      addTo(this.lateness[mode], other.lateness[mode]);
    }
    addTo(this.lateness.swept, other.lateness.swept);
    for (const reading of ['lax', 'strict'] as const) {
      this[reading].canceled += other[reading].canceled;
      this[reading].canceledAfterPaid += other[reading].canceledAfterPaid;
    }
    for (const what of ['runs', 'swept', 'requests', 'calls', 'events', 'published'] as const)
      this[what] += other[what];
    for (const what of ['mostDeletes', 'mostCalls'] as const) this[what] = Math.max(this[what], other[what]);
  }

  /** How often each kind of fault was injected, in any place. */
  get faultsByKind(): ReadonlyMap<FaultKind, number> {
    const byKind = new Map<FaultKind, number>();
    for (const kind of faultKinds) {
      const counts = [...this.faults].filter(([name]) => name.endsWith(` ${kind}`)).map(([, count]) => count);
      byKind.set(
        kind,
        counts.reduce((sum, count) => sum + count, 0),
      );
    }
    return byKind;
  }

  get faultKindsNotTried(): readonly FaultKind[] {
    return [...this.faultsByKind].filter(([, count]) => count === 0).map(([kind]) => kind);
  }
}

function addTo<Key>(counts: Map<Key, number>, more: Iterable<readonly [Key, number]>): void {
  for (const [key, count] of more) counts.set(key, (counts.get(key) ?? 0) + count);
}
