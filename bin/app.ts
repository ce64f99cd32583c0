import { App } from 'aws-cdk-lib';
import { bundleFunctions } from '../lib/function-bundle.ts';
import { LapseStack } from '../lib/lapse-stack.ts';

const app = new App();
new LapseStack(app, 'Lapse', {
  bundles: bundleFunctions(),
  description:
    'Ends a Klarna Payment Request when its checkout session ends, and never one the customer has paid',
});
app.synth();
