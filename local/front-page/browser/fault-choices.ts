/** A fault that the page offers, as the control address accepts it. */
export interface FaultChoice {
  readonly text: string;
  readonly fault: Readonly<Record<string, string | number | boolean>>;
  /** Whether it can apply to one Payment Request only. */
  readonly forOne: boolean;
  /** Whether it can apply several times. */
  readonly repeatable: boolean;
}

type Fault = FaultChoice['fault'];

const ofKlarna = (text: string, fault: Fault): FaultChoice => ({
  text,
  fault: { target: 'klarna', ...fault },
  forOne: true,
  repeatable: true,
});

const ofAws = (text: string, target: string, kind: string, more: Fault = {}): FaultChoice => ({
  text,
  fault: { target, kind, ...more },
  forOne: false,
  repeatable: true,
});

/** A fault that applies until it is cleared, or that happens at once. */
const single = (text: string, target: string, kind: string): FaultChoice => ({
  text,
  fault: { target, kind },
  forOne: false,
  repeatable: false,
});

const untilCleared = ', until faults are cleared';

/** The faults that every AWS service has, and those of this one. */
const service = (title: string, target: string, ...own: readonly FaultChoice[]) => ({
  title,
  choices: [
    ...own,
    ofAws('Throttled', target, 'throttle'),
    ofAws('500, not performed', target, 'error'),
    ofAws('500, but performed', target, 'error-after'),
    ofAws('Slow (1 s)', target, 'slow'),
    ofAws('No response (timeout)', target, 'hang'),
    ofAws('Connection reset', target, 'reset'),
    single(`Connection refused${untilCleared}`, target, 'refuse'),
  ],
});

/** Every fault that the page offers, by where it applies. */
export const faultChoices: readonly { readonly title: string; readonly choices: readonly FaultChoice[] }[] = [
  {
    title: 'Klarna’s webhooks',
    choices: [
      ofKlarna('Lost', { on: 'webhook', kind: 'lose' }),
      ofKlarna('10 seconds late', { on: 'webhook', kind: 'delay', delayMs: 10_000 }),
      ofKlarna('Delivered twice', { on: 'webhook', kind: 'duplicate' }),
      ofKlarna('Out of order', { on: 'webhook', kind: 'reorder' }),
      ofKlarna('Wrong signature', { on: 'webhook', kind: 'wrong-signature' }),
    ],
  },
  {
    title: 'Calls to Klarna',
    choices: [
      ofKlarna('Customer pays just before our cancel', { on: 'cancel', kind: 'approve-first' }),
      ofKlarna('Request expires and is deleted just before our call', {
        on: 'any',
        kind: 'expired-and-deleted',
      }),
      ofKlarna('Slow (3 s)', { on: 'any', kind: 'slow', delayMs: 3_000 }),
      ofKlarna('500, not performed', { on: 'any', kind: 'timeout-error' }),
      ofKlarna('500, but canceled', { on: 'cancel', kind: 'timeout-error', effect: true }),
      ofKlarna('503, not performed', { on: 'any', kind: 'unavailable' }),
      ofKlarna('No response (timeout)', { on: 'any', kind: 'hang' }),
      ofKlarna('No response (timeout), but canceled', { on: 'cancel', kind: 'hang', effect: true }),
      ofKlarna('Connection reset', { on: 'any', kind: 'reset' }),
      ofKlarna('Connection reset, but canceled', { on: 'cancel', kind: 'reset', effect: true }),
      ofKlarna('429, rate limit exceeded', { on: 'any', kind: 'rate-limit', retryAfter: 1 }),
      ofKlarna('409, concurrent change', { on: 'any', kind: 'conflict' }),
      ofKlarna('401, credentials refused', { on: 'any', kind: 'unauthorized' }),
      ofKlarna('403, operation forbidden', { on: 'any', kind: 'forbidden' }),
      ofKlarna('200 without a body', { on: 'any', kind: 'empty' }),
      ofKlarna('200 with an HTML page', { on: 'any', kind: 'html' }),
      ofKlarna('200 with an unknown state', { on: 'any', kind: 'unknown-state' }),
      single(`Connection refused${untilCleared}`, 'klarna', 'refuse'),
    ],
  },
  service(
    'DynamoDB',
    'dynamodb',
    ofAws('Write succeeds, but responds 500', 'dynamodb', 'error-after', { action: 'UpdateItem' }),
  ),
  service(
    'Scheduler',
    'scheduler',
    ofAws('Timer never fires', 'scheduler', 'lose'),
    ofAws('Timer fires twice', 'scheduler', 'duplicate'),
  ),
  service(
    'SQS',
    'sqs',
    ofAws('Message lost', 'sqs', 'lose'),
    ofAws('Message delivered twice', 'sqs', 'duplicate'),
  ),
  service(
    'EventBridge',
    'eventbridge',
    ofAws('Half of the events refused', 'eventbridge', 'partial'),
    ofAws('Registrations refused for good', 'eventbridge', 'deny', {
      detailType: 'Payment Request Registered',
    }),
  ),
  service('Secrets Manager', 'secretsmanager'),
  {
    title: 'Lambda',
    choices: [
      single('All functions killed now', 'lambda', 'kill'),
      single(`Every call throttled${untilCleared}`, 'lambda', 'throttle'),
    ],
  },
];
