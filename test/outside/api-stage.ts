/** The stack `Lapse-api`: the webhook on the HTTP API, and callers with JWTs. Its settings come from the environment. */
import { App } from 'aws-cdk-lib';
import { LapseStack } from '../../lib/lapse-stack.ts';

const { JWT_ISSUER = '', JWT_AUDIENCE = '', JWT_SCOPE = '', KLARNA_URL = '', TIMERS } = process.env;

const app = new App();
new LapseStack(app, 'Lapse-api', {
  lapse: {
    webhookIngress: 'http-api',
    jwtIssuer: JWT_ISSUER,
    jwtAudience: [JWT_AUDIENCE],
    jwtScopes: [JWT_SCOPE],
    klarnaTestUrl: KLARNA_URL,
    timers: TIMERS === 'sweep' ? 'sweep' : 'scheduler',
    canary: false,
  },
});
app.synth();
