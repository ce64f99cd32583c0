import fc from 'fast-check';

// A mutant must not survive one run and fall in the next.
fc.configureGlobal({ seed: 1 });
