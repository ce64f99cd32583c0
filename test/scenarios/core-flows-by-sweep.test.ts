/** The main job once more, where nothing goes off by itself and the sweep is the only timer. */
process.env['TIMERS'] = 'sweep';
await import('./core-flows.test.ts');
