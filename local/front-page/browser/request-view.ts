import { ask, type Reply } from './ask.ts';
import { Countdown } from './countdown.ts';
import { button, element, setText } from './element.ts';
import { type AtKlarna, KlarnaView } from './klarna-view.ts';
import { announce, showProblem } from './notices.ts';
import { type PaymentRequestRecord, recordPath, stateWord, titleOf } from './record.ts';
import { timeText } from './time-text.ts';
import { type HistoryEntry, timelineIn } from './timeline.ts';

/** What the page does for a view. */
export interface Surroundings {
  readonly simulator: boolean;
  /** Called after an action: the page refreshes now. */
  readonly onDone: () => void;
  /** Called for another payment attempt in the same session. */
  readonly onAnotherAttempt: (record: PaymentRequestRecord) => void;
}

const actions = [
  ['start', 'Open Klarna'],
  ['approve', 'Approve'],
  ['decline', 'Decline'],
  ['step-back', 'Step back'],
  ['abandon', 'Close the window'],
] as const;

/** One Payment Request: its state, its actions, Klarna's state, and its timeline. */
export class RequestView {
  readonly root: HTMLElement;
  readonly heading = element('h2', { tabindex: '-1', id: 'request-title' });
  readonly #surroundings: Surroundings;
  readonly #key: Pick<PaymentRequestRecord, 'account' | 'payment_request_id'>;
  readonly #chip = element('span', { class: 'chip' });
  readonly #countdown = new Countdown();
  readonly #facts = element('p', { class: 'quiet' });
  readonly #attention = element('p', { class: 'attention' });
  readonly #outcome = element('p', { class: 'outcome', role: 'status' });
  readonly #klarna = new KlarnaView();
  readonly #entries = element('ol', { class: 'plain timeline', 'aria-labelledby': 'timeline-title' });
  readonly #timeline = timelineIn(this.#entries);
  #record: PaymentRequestRecord | undefined;
  #historyOfVersion = -1;

  constructor(key: Pick<PaymentRequestRecord, 'account' | 'payment_request_id'>, surroundings: Surroundings) {
    this.#key = key;
    this.#surroundings = surroundings;
    this.root = element(
      'div',
      { class: 'request' },
      element('a', { class: 'back', href: '#' }, '← All sessions'),
      element(
        'div',
        { class: 'card' },
        element('div', { class: 'session__head' }, this.heading, this.#chip),
        element('p', { class: 'request__id' }, key.payment_request_id),
        element('p', {}, this.#countdown.words),
        this.#countdown.bar,
        this.#facts,
        this.#attention,
      ),
      this.#actions(),
      this.#klarna.root,
      element(
        'section',
        { class: 'card' },
        element('h3', { id: 'timeline-title' }, 'Timeline'),
        this.#entries,
      ),
    );
  }

  /** Reads the record and what changed with it. Resolves to a problem, if there is one. */
  async refresh(): Promise<string | undefined> {
    const path = recordPath(this.#key);
    const { body, problem } = await ask('GET', path);
    if (problem !== undefined) return problem;
    const record = body as PaymentRequestRecord;
    const atKlarna = this.#surroundings.simulator ? await this.#readSimulator() : null;
    if (record.version !== this.#historyOfVersion) {
      const history = await ask('GET', `${path}/history`);
      if (history.problem === undefined) {
        this.#historyOfVersion = record.version;
        this.#timeline.show((history.body as { readonly entries: readonly HistoryEntry[] }).entries);
      }
    }
    this.#show(record, atKlarna);
    return undefined;
  }

  /** Shows the time that is left now. */
  tick(): void {
    this.#countdown.tick();
  }

  async #readSimulator(): Promise<AtKlarna | null> {
    const { body, problem } = await ask('GET', this.#simulated());
    return problem === undefined ? (body as AtKlarna) : null;
  }

  #show(record: PaymentRequestRecord, atKlarna: AtKlarna | null): void {
    const before = this.#record?.state;
    if (this.#record && before !== record.state) announce(`${titleOf(record)}: ${stateWord(record.state)}.`);
    this.#record = record;
    setText(this.heading, titleOf(record));
    setText(this.#chip, stateWord(record.state));
    this.#chip.className = `chip chip--${chipOf(record)}`;
    this.#countdown.update(record);
    setText(this.#facts, factsOf(record));
    setText(this.#attention, record.attention === null ? '' : attentionText(record.attention));
    this.#klarna.update(record, atKlarna);
  }

  #actions(): HTMLElement {
    const shop = group(
      'Shop',
      button('Cancel', () => this.#cancel(''), 'danger'),
      button('Dry run', () => this.#cancel('?dry_run=true')),
      button('Add 30 seconds', () => this.#extend(30_000)),
      button('Add 5 minutes', () => this.#extend(300_000)),
      button('Read from Klarna', () => void this.#do(ask('GET', `${recordPath(this.#key)}?refresh=true`))),
      button('New attempt', () => {
        if (this.#record) this.#surroundings.onAnotherAttempt(this.#record);
      }),
      button('Cancel the whole session', () => this.#cancelSession()),
    );
    if (!this.#surroundings.simulator) return element('section', { class: 'card' }, shop, this.#outcome);
    const customer = group(
      'Customer',
      ...actions.map(([action, text]) => button(text, () => this.#simulate(action, text))),
    );
    const klarna = group(
      'Klarna',
      button('Expire', () => this.#simulate('expire', 'Expire')),
      button('Delete', () => this.#simulate('delete', 'Delete')),
    );
    return element('section', { class: 'card' }, shop, customer, klarna, this.#outcome);
  }

  #cancel(query: string): void {
    void this.#do(ask('DELETE', `${recordPath(this.#key)}${query}`));
  }

  #cancelSession(): void {
    const session = this.#record?.session_id ?? null;
    if (session === null) {
      showProblem('This Payment Request was registered without a session.');
      return;
    }
    const account = encodeURIComponent(this.#key.account);
    void this.#do(ask('DELETE', `/api/accounts/${account}/sessions/${encodeURIComponent(session)}`));
  }

  #extend(millis: number): void {
    const deadline = this.#record?.deadline_at ?? null;
    if (deadline === null) {
      showProblem('This Payment Request does not have a deadline.');
      return;
    }
    const moved = new Date(Date.parse(deadline) + millis).toISOString();
    void this.#do(ask('PATCH', recordPath(this.#key), { deadline_at: moved }));
  }

  #simulate(action: string, text: string): void {
    void this.#do(ask('POST', `${this.#simulated()}/${action}`, {}), text);
  }

  #simulated(): string {
    return `/klarna/payment-requests/${encodeURIComponent(this.#key.payment_request_id)}`;
  }

  async #do(asked: Promise<Reply>, done?: string): Promise<void> {
    const reply = await asked;
    showProblem(reply.problem);
    setText(this.#outcome, reply.problem === undefined ? `Done: ${done ?? outcomeOf(reply)}.` : '');
    this.#surroundings.onDone();
  }
}

const group = (legend: string, ...buttons: readonly HTMLElement[]): HTMLElement =>
  element('fieldset', {}, element('legend', {}, legend), element('div', { class: 'buttons' }, ...buttons));

/** The result of a call in a word or two. */
function outcomeOf({ body }: Reply): string {
  const { outcome, refresh, deadline_at, status } = body as Readonly<Record<string, unknown>>;
  if (typeof outcome === 'string') return outcome.replaceAll('_', ' ');
  if (typeof refresh === 'string') return `read from Klarna: ${refresh.replaceAll('_', ' ')}`;
  if (typeof status === 'string') return `the session is ${status}`;
  return typeof deadline_at === 'string' ? `the deadline is ${timeText(deadline_at)}` : 'accepted';
}

function chipOf({ state, final }: PaymentRequestRecord): string {
  if (state === 'COMPLETED') return 'paid';
  return final ? 'ended' : 'open';
}

const timerWords: Readonly<Record<string, string>> = {
  none: 'no timer',
  pending: 'timer about to be set',
  armed: 'timer set',
  sweep: 'the sweep is the timer',
  fired: 'timer fired',
  removed: 'timer removed',
};

function factsOf(record: PaymentRequestRecord): string {
  const { deadline_at, timer, extensions, on_timeout, cancellation } = record;
  return [
    ...(deadline_at === null ? [] : [`Deadline ${timeText(deadline_at)}`]),
    timerWords[timer] ?? timer,
    ...(extensions > 0 ? [`extended ${extensions === 1 ? 'once' : `${extensions} times`}`] : []),
    ...(on_timeout === 'observe' ? ['observed only'] : []),
    ...(cancellation ? [`cancel (${cancellation.cause}): ${cancellation.outcome.replaceAll('_', ' ')}`] : []),
  ].join(' · ');
}

const attentionWords: Readonly<Record<string, string>> = {
  contradiction: 'Klarna contradicted itself. Check this request by hand.',
  canceled_after_completed: 'Canceled just after the customer approved. Check this request by hand.',
  not_found: 'Klarna does not know this Payment Request.',
  klarna_denied: 'Klarna refuses our credentials.',
  unknown_state: 'Klarna returned a state that this version does not know.',
};

const attentionText = (attention: string): string => attentionWords[attention] ?? attention;
