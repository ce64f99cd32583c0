import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { bundleFunctions } from '../lib/function-bundle.ts';
import { LapseStack } from '../lib/lapse-stack.ts';

const app = new App();
// The CDK copies the bundles into its output, by content; two runs at once do not meet in a folder of their own each.
const bundles = mkdtempSync(join(tmpdir(), 'lapse-bundles-'));
try {
  new LapseStack(app, 'Lapse', {
    bundles: bundleFunctions(bundles),
    description:
      'Ends a Klarna Payment Request when its checkout session ends, and never one the customer has paid',
  });
  app.synth();
} finally {
  rmSync(bundles, { recursive: true, force: true });
}
