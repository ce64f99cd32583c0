/** The tasks of an operator at the command line. */
export const tasks = ['redrive-timers', 'replay-unpublished', 'replay-quarantined'] as const;

export type Task = (typeof tasks)[number];
