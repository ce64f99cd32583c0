/** A fault that the page offers, as the control address takes it. */
export interface FaultChoice {
  readonly text: string;
  readonly fault: Readonly<Record<string, string | number | boolean>>;
  /** Whether it can be for one Payment Request alone. */
  readonly forOne: boolean;
  /** Whether it can be asked for several times over. */
  readonly repeatable: boolean;
}

const ofKlarna = (text: string, fault: FaultChoice['fault']): FaultChoice => ({
  text,
  fault: { target: 'klarna', ...fault },
  forOne: true,
  repeatable: true,
});

const ofAws = (text: string, target: string, kind: string, more: FaultChoice['fault'] = {}): FaultChoice => ({
  text,
  fault: { target, kind, ...more },
  forOne: false,
  repeatable: true,
});

/** Everything that can be made to go wrong from the page, in groups. */
export const faultChoices: readonly { readonly title: string; readonly choices: readonly FaultChoice[] }[] = [
  {
    title: 'Webhooks',
    choices: [
      ofKlarna('Lost', { on: 'webhook', kind: 'lose' }),
      ofKlarna('10 seconds late', { on: 'webhook', kind: 'delay', delayMs: 10_000 }),
      ofKlarna('Doubled', { on: 'webhook', kind: 'duplicate' }),
      ofKlarna('Out of order', { on: 'webhook', kind: 'reorder' }),
      ofKlarna('Signed wrong', { on: 'webhook', kind: 'wrong-signature' }),
    ],
  },
  {
    title: 'Klarna, when we call',
    choices: [
      ofKlarna('Slow (3 s)', { on: 'any', kind: 'slow', delayMs: 3_000 }),
      ofKlarna('500, nothing done', { on: 'any', kind: 'timeout-error' }),
      ofKlarna('500, but canceled', { on: 'cancel', kind: 'timeout-error', effect: true }),
      ofKlarna('503', { on: 'any', kind: 'unavailable' }),
      ofKlarna('Silent', { on: 'any', kind: 'hang' }),
      ofKlarna('Cuts the line', { on: 'any', kind: 'reset' }),
      ofKlarna('Too many calls', { on: 'any', kind: 'rate-limit', retryAfter: 1 }),
      ofKlarna('Refuses our key', { on: 'any', kind: 'unauthorized' }),
      ofKlarna('Paid just before our cancel', { on: 'cancel', kind: 'approve-first' }),
    ],
  },
  {
    title: 'AWS',
    choices: [
      ofAws('DynamoDB throttles', 'dynamodb', 'throttle'),
      ofAws('DynamoDB fails', 'dynamodb', 'error'),
      ofAws('DynamoDB writes, answers 500', 'dynamodb', 'error-after', { action: 'UpdateItem' }),
      ofAws('DynamoDB slow (1 s)', 'dynamodb', 'slow'),
      ofAws('Timer never fires', 'scheduler', 'lose'),
      ofAws('Timer fires twice', 'scheduler', 'duplicate'),
      ofAws('Scheduler fails', 'scheduler', 'error'),
      ofAws('Queue loses a message', 'sqs', 'lose'),
      ofAws('Queue doubles a message', 'sqs', 'duplicate'),
      ofAws('Half of the events refused', 'eventbridge', 'partial'),
      ofAws('EventBridge fails', 'eventbridge', 'error'),
      ofAws('Secrets cannot be read', 'secretsmanager', 'error'),
      {
        text: 'Kill every function now',
        fault: { target: 'lambda', kind: 'kill' },
        forOne: false,
        repeatable: false,
      },
    ],
  },
];
