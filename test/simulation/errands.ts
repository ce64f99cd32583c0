/** What an operator does at the command line. */
export const errands = ['redrive-timers', 'replay-unpublished', 'replay-quarantined'] as const;

export type Errand = (typeof errands)[number];
