import { App, CfnOutput, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { LapseStack } from '../lib/lapse-stack.ts';
import { stages } from '../lib/stages.ts';

const app = new App();
const stage: unknown = app.node.tryGetContext('stage');
const ofStage = typeof stage === 'string' ? stages[stage] : {};
if (!ofStage) {
  throw new Error(`stage is ${String(stage)}; allowed: ${Object.keys(stages).join(', ')} (lib/stages.ts).`);
}
// `-c timers=sweep` overrides the setting of the stage.
const timers: unknown = app.node.tryGetContext('timers') ?? ofStage.timers ?? 'scheduler';
if (timers !== 'scheduler' && timers !== 'sweep') {
  throw new Error(`timers is ${String(timers)}; allowed: scheduler, sweep.`);
}
// `-c klarnaUrl=http://127.0.0.1:5300` sends every call for Klarna to a stand-in, for tests.
const klarnaUrl: unknown = app.node.tryGetContext('klarnaUrl');
const klarnaUrls =
  typeof klarnaUrl === 'string' ? { klarnaTestUrl: klarnaUrl, klarnaLiveUrl: klarnaUrl } : {};
// `-c pageOrigins=https://shop.example,https://m.shop.example` overrides those of the stage.
const pageOrigins: unknown = app.node.tryGetContext('pageOrigins');
const pages = typeof pageOrigins === 'string' ? { pageOrigins: pageOrigins.split(',') } : {};
const stack = new LapseStack(app, typeof stage === 'string' ? `Lapse-${stage}` : 'Lapse', {
  lapse: { ...ofStage, timers, ...klarnaUrls, ...pages },
  description:
    'Ends a Klarna Payment Request when its checkout session ends, and never one the customer has paid',
});
if (typeof stage === 'string') new CfnOutput(stack, 'Stage', { value: stage });
Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
app.synth();
