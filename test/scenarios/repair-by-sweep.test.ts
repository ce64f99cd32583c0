/** Repairs and whole sessions once more, on one system in which the sweep is the only timer. */
process.env['TIMERS'] = 'sweep';
await import('./repair.test.ts');
await import('./sessions.test.ts');
