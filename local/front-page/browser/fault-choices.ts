/** A fault that the page offers, as the control address takes it. */
export interface FaultChoice {
  readonly text: string;
  readonly fault: Readonly<Record<string, string | number | boolean>>;
  /** Whether it can be for one Payment Request alone. */
  readonly forOne: boolean;
  /** Whether it can be asked for several times over. */
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

/** What is so from now on, or is done at once. */
const once = (text: string, target: string, kind: string): FaultChoice => ({
  text,
  fault: { target, kind },
  forOne: false,
  repeatable: false,
});

const untilWell = ', until all is well again';

/** What can befall a call of any AWS service, and what only this one has. */
const service = (title: string, target: string, ...own: readonly FaultChoice[]) => ({
  title,
  choices: [
    ...own,
    ofAws('Throttles', target, 'throttle'),
    ofAws('Answers 500', target, 'error'),
    ofAws('Does it, but answers 500', target, 'error-after'),
    ofAws('Slow (1 s)', target, 'slow'),
    ofAws('Silent', target, 'hang'),
    ofAws('Cuts the line', target, 'reset'),
    once(`Cannot be reached${untilWell}`, target, 'refuse'),
  ],
});

/** Everything that can be made to go wrong from the page, by where it does. */
export const faultChoices: readonly { readonly title: string; readonly choices: readonly FaultChoice[] }[] = [
  {
    title: 'Klarna’s webhooks',
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
      ofKlarna('Paid just before our cancel', { on: 'cancel', kind: 'approve-first' }),
      ofKlarna('Expired and deleted just before our call', { on: 'any', kind: 'expired-and-deleted' }),
      ofKlarna('Slow (3 s)', { on: 'any', kind: 'slow', delayMs: 3_000 }),
      ofKlarna('500, nothing done', { on: 'any', kind: 'timeout-error' }),
      ofKlarna('500, but canceled', { on: 'cancel', kind: 'timeout-error', effect: true }),
      ofKlarna('503', { on: 'any', kind: 'unavailable' }),
      ofKlarna('Silent', { on: 'any', kind: 'hang' }),
      ofKlarna('Silent, but canceled', { on: 'cancel', kind: 'hang', effect: true }),
      ofKlarna('Cuts the line', { on: 'any', kind: 'reset' }),
      ofKlarna('Cuts the line, but canceled', { on: 'cancel', kind: 'reset', effect: true }),
      ofKlarna('429, too many calls', { on: 'any', kind: 'rate-limit', retryAfter: 1 }),
      ofKlarna('409, another call is at it', { on: 'any', kind: 'conflict' }),
      ofKlarna('401, refuses our key', { on: 'any', kind: 'unauthorized' }),
      ofKlarna('403, forbids it', { on: 'any', kind: 'forbidden' }),
      ofKlarna('200 without a body', { on: 'any', kind: 'empty' }),
      ofKlarna('200 with a page of HTML', { on: 'any', kind: 'html' }),
      ofKlarna('A state that is new to us', { on: 'any', kind: 'unknown-state' }),
      once(`Cannot be reached${untilWell}`, 'klarna', 'refuse'),
    ],
  },
  service(
    'DynamoDB',
    'dynamodb',
    ofAws('Writes, but answers 500', 'dynamodb', 'error-after', { action: 'UpdateItem' }),
  ),
  service(
    'Scheduler',
    'scheduler',
    ofAws('A timer never fires', 'scheduler', 'lose'),
    ofAws('A timer fires twice', 'scheduler', 'duplicate'),
  ),
  service(
    'SQS',
    'sqs',
    ofAws('A message is lost', 'sqs', 'lose'),
    ofAws('A message comes twice', 'sqs', 'duplicate'),
  ),
  service('EventBridge', 'eventbridge', ofAws('Refuses half of the events', 'eventbridge', 'partial')),
  service('Secrets Manager', 'secretsmanager'),
  {
    title: 'Lambda',
    choices: [
      once('Every function is killed now', 'lambda', 'kill'),
      once(`Every call is throttled${untilWell}`, 'lambda', 'throttle'),
    ],
  },
];
