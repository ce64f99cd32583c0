/** Lapse in its own stack, with other settings: `npx cdk deploy --app "node as-it-is.ts"`. */
import { App, Duration } from 'aws-cdk-lib';
import { LapseStack } from 'lapse/stack';

const app = new App();
new LapseStack(app, 'Checkout-Lapse', {
  env: { region: 'eu-north-1' },
  lapse: {
    maxSession: Duration.hours(2),
    timerConcurrency: 20,
    alarmThresholds: { timerLatenessSeconds: 30 },
  },
});
app.synth();
