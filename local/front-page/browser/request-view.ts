import { ask, type Reply } from './ask.ts';
import type { AtKlarna } from './at-klarna.ts';
import { type Action, run } from './call.ts';
import { CodePanel } from './code-panel.ts';
import { isConfirmed } from './confirmation.ts';
import { Countdown } from './countdown.ts';
import { button, element, setText } from './element.ts';
import { JsonDetails } from './json-details.ts';
import { KeyedList, type Shown } from './keyed-list.ts';
import { KlarnaView } from './klarna-view.ts';
import { announce, showProblem } from './notices.ts';
import { type PaymentRequestRecord, recordPath, shortId, stateWord, titleOf } from './record.ts';
import { type ActionGroup, actionsOn, type Situation } from './request-actions.ts';
import { routeTo } from './route.ts';
import { serverNow } from './server-clock.ts';
import { newPaymentRequestId } from './session-calls.ts';
import type { Account, Status } from './status.ts';
import { timeText } from './time-text.ts';
import { type HistoryEntry, timelineIn } from './timeline.ts';

/** What a view needs of the page. */
export interface Surroundings extends Pick<Status, 'simulator' | 'addresses' | 'deployed'> {
  readonly account: Account;
  /** Called after an action: the page refreshes now. */
  readonly onDone: () => void;
}

/** One Payment Request: its state, its actions, Klarna's state, and its timeline. */
export class RequestView {
  readonly root: HTMLElement;
  readonly heading = element('h2', { tabindex: '-1', id: 'request-title' });
  readonly #surroundings: Surroundings;
  readonly #key: Pick<PaymentRequestRecord, 'account' | 'payment_request_id'>;
  readonly #chip = element('span', { class: 'chip' });
  readonly #countdown = new Countdown();
  readonly #facts = element('p', { class: 'quiet' });
  readonly #recovered = element('a');
  readonly #attention = element('p', { class: 'attention' });
  readonly #outcome = element('p', { class: 'outcome', role: 'status' });
  readonly #klarna = new KlarnaView();
  readonly #entries = element('ol', { class: 'plain timeline', 'aria-labelledby': 'timeline-title' });
  readonly #timeline = timelineIn(this.#entries);
  readonly #raw = new JsonDetails('Raw record');
  readonly #code: CodePanel;
  readonly #groups: KeyedList<ActionGroup>;
  /** The id of another attempt in code to copy. A press of the button makes its own. */
  readonly #newId = newPaymentRequestId();
  #atKlarna: AtKlarna | null = null;
  #record: PaymentRequestRecord | undefined;
  #historyOfVersion = -1;

  constructor(key: Pick<PaymentRequestRecord, 'account' | 'payment_request_id'>, surroundings: Surroundings) {
    this.#key = key;
    this.#surroundings = surroundings;
    this.#code = new CodePanel(surroundings.addresses);
    // The code is for an API that asks for no signature.
    this.#code.root.hidden = surroundings.deployed !== undefined;
    const groups = element('div');
    this.#groups = new KeyedList(
      groups,
      ({ legend }) => legend,
      () => this.#groupIn(),
    );
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
        element('p', { class: 'quiet' }, this.#recovered),
        this.#attention,
        this.#raw.root,
      ),
      element('section', { class: 'card', 'aria-label': 'Actions' }, groups, this.#outcome, this.#code.root),
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
    const { payment_request_id: id } = this.#key;
    const { body, problem } = await ask('GET', `/klarna/payment-requests/${encodeURIComponent(id)}`);
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
    this.#showRecovery(record);
    setText(this.#attention, record.attention === null ? '' : attentionText(record.attention));
    this.#klarna.update(record, atKlarna);
    this.#raw.update(record);
    this.#atKlarna = atKlarna;
    const groups = actionsOn(this.#situation(record));
    this.#groups.show(groups);
    this.#code.show(groups.flatMap(({ actions }) => actions));
  }

  /** The earlier attempt of the session that this one follows. */
  #showRecovery({ account, recovered_from: earlier }: PaymentRequestRecord): void {
    setText(this.#recovered, earlier === null ? '' : `Recovered from ${shortId(earlier)}`);
    if (earlier !== null) this.#recovered.href = routeTo({ account, payment_request_id: earlier });
  }

  #situation(record: PaymentRequestRecord, newId = this.#newId): Situation {
    const { account, simulator, deployed } = this.#surroundings;
    const atKlarna = simulator ? this.#atKlarna : undefined;
    return { record, atKlarna, account, now: serverNow(), newId, isDeployed: deployed !== undefined };
  }

  async #press(text: string): Promise<void> {
    if (!this.#record) return;
    const newId = newPaymentRequestId();
    const actions = actionsOn(this.#situation(this.#record, newId)).flatMap((group) => group.actions);
    const action = actions.find((each) => each.text === text);
    if (!action) return;
    this.#code.choose(action);
    const changes = action.obstacle === undefined && action.calls.some(({ method }) => method !== 'GET');
    if (changes && !isConfirmed(`${action.text}: ${this.#key.account}/${this.#key.payment_request_id}?`))
      return;
    const reply = action.obstacle === undefined ? await run(action.calls) : { problem: action.obstacle };
    showProblem(reply.problem);
    setText(
      this.#outcome,
      'body' in reply && reply.problem === undefined ? `Done: ${doneOf(action, reply)}.` : '',
    );
    this.#surroundings.onDone();
    if (text !== 'New attempt' || reply.problem !== undefined) return;
    location.hash = routeTo({ ...this.#key, payment_request_id: newId });
  }

  #groupIn(): Shown<ActionGroup> {
    const legend = element('legend');
    const buttons = element('div', { class: 'buttons' });
    const list = new KeyedList<Action>(
      buttons,
      ({ text }) => text,
      ({ text, ends }) => {
        const root = button(text, () => void this.#press(text), ends ? 'danger' : '');
        return { root, update: ({ obstacle }) => markObstacle(root, obstacle) };
      },
    );
    return {
      root: element('fieldset', {}, legend, buttons),
      update: (group) => {
        setText(legend, group.legend);
        list.show(group.actions);
      },
    };
  }
}

/** A button that is only marked keeps the focus, and can say why it does nothing. */
function markObstacle(root: HTMLElement, obstacle: string | undefined): void {
  root.title = obstacle ?? '';
  if (obstacle === undefined) root.removeAttribute('aria-disabled');
  else root.setAttribute('aria-disabled', 'true');
}

/** The result of an action in a word or two. */
const doneOf = ({ text, calls }: Action, reply: Reply): string =>
  calls.at(-1)?.client ? outcomeOf(reply) : text;

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

const confirmationWords: Readonly<Record<string, string>> = {
  awaiting: 'the shop must authorize the payment',
  authorized: 'authorized',
  lapsed: 'not authorized in time',
  not_needed: 'no payment to authorize',
};

function factsOf(record: PaymentRequestRecord): string {
  const { deadline_at, timer, extensions, on_timeout, cancellation, confirmation, confirm_by } = record;
  return [
    ...(deadline_at === null ? [] : [`Deadline ${timeText(deadline_at)}`]),
    timerWords[timer] ?? timer,
    ...(extensions > 0 ? [`extended ${extensions === 1 ? 'once' : `${extensions} times`}`] : []),
    ...(on_timeout === 'observe' ? ['observed only'] : []),
    ...(confirmation === null ? [] : [confirmationWords[confirmation] ?? confirmation]),
    ...(confirmation === 'awaiting' && confirm_by !== null ? [`until ${timeText(confirm_by)}`] : []),
    ...(cancellation ? [`cancel (${cancellation.cause}): ${cancellation.outcome.replaceAll('_', ' ')}`] : []),
  ].join(' · ');
}

const attentionWords: Readonly<Record<string, string>> = {
  contradiction: 'Klarna contradicted itself. Check this request by hand.',
  canceled_after_completed: 'Canceled just after the customer approved. Check this request by hand.',
  paid_twice: 'The customer approved another Payment Request of this session too. Keep only one of them.',
  not_authorized: 'No report says that the payment is authorized.',
  not_found: 'Klarna does not know this Payment Request.',
  klarna_denied: 'Klarna refuses our credentials.',
  unknown_state: 'Klarna returned a state that this version does not know.',
};

const attentionText = (attention: string): string => attentionWords[attention] ?? attention;
