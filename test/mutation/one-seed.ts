import fc from 'fast-check';

// A mutant must not survive one run and fall in the next; which is the smallest example that it fails does not matter.
fc.configureGlobal({ seed: 1, endOnFailure: true });
