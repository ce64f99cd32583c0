import type { FixedCost, TemplateCosts } from './fixed.ts';
import { dollarsOf, type Usage } from './prices.ts';
import type { Trace } from './trace.ts';

/** One goal of the cost, and its value in this run. */
export interface CostGoal {
  readonly figure: string;
  readonly goal: number;
  readonly measured: number;
  readonly unit: '' | 'units' | 'bytes' | '$' | 'lines';
}

export interface CostGoalsInput {
  /** The traced flows by name, each with the same sessions as the peers would run them. */
  readonly flows: readonly {
    readonly name: string;
    readonly trace: Trace;
    readonly typical: Usage;
    readonly lean: Usage;
  }[];
  readonly template: TemplateCosts;
  readonly customMetrics: number;
  readonly fixed: readonly FixedCost[];
}

/** Write units of a session, by the name of its flow. */
const writeUnitGoals: Readonly<Record<string, number>> = {
  'canceled by API': 15,
  'timed out': 15,
  'paid in time': 12,
};

/** The goals with the results of this run. */
export function costGoals({ flows, template, customMetrics, fixed }: CostGoalsInput): readonly CostGoal[] {
  const perFlow = (
    figure: string,
    unit: CostGoal['unit'],
    of: (flow: CostGoalsInput['flows'][number]) => { readonly goal: number; readonly measured: number },
  ): readonly CostGoal[] => flows.map((flow) => ({ figure: `${figure}: ${flow.name}`, unit, ...of(flow) }));
  return [
    ...perFlow('write units', 'units', ({ name, trace }) => ({
      goal: writeUnitGoals[name] ?? Number.NaN,
      measured: trace.usage['DynamoDB write units'],
    })),
    ...perFlow('dollars ÷ typical', '', ({ trace, typical }) => ({
      goal: 1,
      measured: dollarsOf(trace.usage) / dollarsOf(typical),
    })),
    ...perFlow('dollars ÷ lean', '', ({ trace, lean }) => ({
      goal: 1.7,
      measured: dollarsOf(trace.usage) / dollarsOf(lean),
    })),
    ...perFlow('item at the end', 'bytes', ({ trace }) => ({ goal: 1_536, measured: trace.itemBytes })),
    ...perFlow('our own log of a session', 'bytes', ({ trace }) => ({
      goal: 2_048,
      measured: trace.ownLogBytes,
    })),
    ...perFlow('our own log lines a call', 'lines', ({ trace }) => ({
      goal: 1,
      measured: trace.ownLogLines,
    })),
    {
      figure: 'fixed dollars a month',
      goal: 15,
      measured: fixed.reduce((sum, { dollars }) => sum + dollars, 0),
      unit: '$',
    },
    { figure: 'alarms', goal: 35, measured: template.alarms + template.compositeAlarms, unit: '' },
    { figure: 'custom metrics', goal: 22, measured: customMetrics, unit: '' },
  ];
}
