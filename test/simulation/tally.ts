import { type FaultKind, faultKinds } from './engine.ts';
import type { Mode, Plan } from './plan.ts';
import type { Report } from './simulation.ts';

/** What the runs of one mode came to. */
export interface ModeFigures {
  runs: number;
  sweepRepairs: number;
}

/** What the cancels came to in one reading of COMPLETED. */
export interface CancelFigures {
  canceled: number;
  canceledAfterPaid: number;
}

/** Adds up what many runs came to. */
export class Tally {
  readonly courses = new Set<number>();
  /** Calls by function and port, and how often each kind of fault struck there. */
  readonly sites = new Map<string, number>();
  readonly faults = new Map<string, number>();
  readonly of: Record<Mode, ModeFigures> = {
    full: { runs: 0, sweepRepairs: 0 },
    lossless: { runs: 0, sweepRepairs: 0 },
    unswept: { runs: 0, sweepRepairs: 0 },
  };
  readonly lax: CancelFigures = { canceled: 0, canceledAfterPaid: 0 };
  readonly strict: CancelFigures = { canceled: 0, canceledAfterPaid: 0 };
  runs = 0;
  requests = 0;
  calls = 0;
  events = 0;
  published = 0;
  mostDeletes = 0;
  mostCalls = 0;

  add(report: Report, { mode, manners }: Plan): void {
    this.runs += 1;
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
    for (const [site, count] of report.sites) this.sites.set(site, (this.sites.get(site) ?? 0) + count);
    for (const [fault, count] of report.faults) this.faults.set(fault, (this.faults.get(fault) ?? 0) + count);
  }

  /** How often each kind of fault was injected, wherever. */
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
