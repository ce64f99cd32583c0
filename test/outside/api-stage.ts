/**
 * The stack `Lapse-api`, a preview that leaves nothing behind: the webhook on the HTTP API, and callers with JWTs. Its settings come from
 * the environment.
 */
import { App, RemovalPolicy } from 'aws-cdk-lib';
import { LapseStack } from '../../lib/lapse-stack.ts';

const { JWT_ISSUER = '', JWT_AUDIENCE = '', JWT_SCOPE = '', KLARNA_URL = '', TIMERS } = process.env;

const app = new App();
new LapseStack(app, 'Lapse-api', {
  lapse: {
    webhookIngress: 'http-api',
    jwtIssuer: JWT_ISSUER,
    jwtAudience: [JWT_AUDIENCE],
    jwtScopes: [JWT_SCOPE],
    pageOrigins: ['https://shop.example'],
    klarnaTestUrl: KLARNA_URL,
    timers: TIMERS === 'sweep' ? 'sweep' : 'scheduler',
    canary: false,
    alarms: false,
    dashboard: false,
    removalPolicy: RemovalPolicy.DESTROY,
  },
});
app.synth();
