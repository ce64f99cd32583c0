/** The tasks of an operator at the command line that repeat what was refused. */
export const tasks = ['redrive-timers', 'replay-unpublished', 'replay-quarantined'] as const;

/** Every task of an operator. */
export type Task = (typeof tasks)[number] | 'resolve-attention';
