import { ask } from './ask.ts';
import { type Action, type Call, run } from './call.ts';
import { CodePanel } from './code-panel.ts';
import { button, byId, element, setText } from './element.ts';
import { type FaultChoice, faultChoices } from './fault-choices.ts';
import { KeyedList } from './keyed-list.ts';
import { showProblem } from './notices.ts';
import { chosenRequest } from './route.ts';
import type { Status } from './status.ts';

type Waiting = Readonly<Record<string, unknown>>;

const optionsOf = (texts: readonly string[]): readonly HTMLElement[] =>
  texts.map((text, place) => element('option', { value: String(place) }, text));

/** The faults to choose from, and the faults that are still to apply. */
export class FaultPanel {
  readonly #simulator: boolean;
  readonly #onDone: () => void;
  readonly #groups: typeof faultChoices;
  readonly #where = element('select');
  readonly #what = element('select');
  readonly #times = element('input', {
    type: 'number',
    min: '1',
    max: '1000',
    value: '1',
    inputmode: 'numeric',
  });
  readonly #onlyChosen = element('input', { type: 'checkbox' });
  readonly #cancelPaid = element('input', { type: 'checkbox' });
  readonly #outcome = element('p', { class: 'outcome', role: 'status' });
  readonly #waiting = element('ul', { class: 'plain waiting', 'aria-label': 'Pending faults' });
  readonly #list: KeyedList<readonly [string, string]>;
  readonly #code: CodePanel;
  /** How often a person has changed Klarna's setting. */
  #settingChanges = 0;

  constructor({ simulator, addresses }: Pick<Status, 'simulator' | 'addresses'>, onDone: () => void) {
    this.#simulator = simulator;
    this.#code = new CodePanel(addresses);
    this.#onDone = onDone;
    this.#groups = faultChoices.filter(({ choices }) =>
      choices.every(({ fault }) => simulator || fault['target'] !== 'klarna'),
    );
    this.#list = new KeyedList(
      this.#waiting,
      ([key]) => key,
      () => {
        const root = element('li');
        return { root, update: ([, text]) => setText(root, text) };
      },
    );
    this.#where.append(...optionsOf(this.#groups.map(({ title }) => title)));
    this.#where.addEventListener('change', () => this.#offer());
    this.#what.addEventListener('change', () => this.#enableOptions());
    this.#cancelPaid.addEventListener('change', () => void this.#setCancelPaid());
    const panel = byId('fault-panel', HTMLElement);
    panel.addEventListener('change', () => this.#code.show(this.#actions()));
    panel.append(
      element(
        'div',
        { class: 'form__fields' },
        element('label', { class: 'form__wide' }, 'Where', this.#where),
        element('label', { class: 'form__wide' }, 'Fault', this.#what),
        element('label', {}, 'How many times', this.#times),
        ...(simulator
          ? [check(this.#onlyChosen, 'Only for the chosen Payment Request (Klarna’s faults)')]
          : []),
      ),
      button('Inject fault', () => void this.#inject(), 'primary'),
      ...(simulator ? [check(this.#cancelPaid, 'Klarna allows canceling a paid request')] : []),
      this.#outcome,
      this.#waiting,
      element(
        'div',
        { class: 'buttons' },
        button('Clear faults', () => void this.#clear()),
        button('Run the sweep now', () => void this.#sweep()),
      ),
      this.#code.root,
    );
    this.#offer();
    this.#code.show(this.#actions());
  }

  /** Reads the pending faults and Klarna's setting while the panel is open. */
  async refresh(): Promise<void> {
    if (!byId('faults', HTMLDetailsElement).open) return;
    const paths = ['/control/faults', ...(this.#simulator ? ['/klarna/faults'] : [])];
    this.#code.show(this.#actions());
    const replies = await Promise.all(paths.map((path) => ask('GET', path)));
    const waiting = replies.flatMap(({ body, problem }) =>
      problem === undefined ? (body as { readonly faults: readonly Waiting[] }).faults : [],
    );
    this.#list.show(waiting.map((fault, place) => [String(place), textOf(fault)] as const));
    if (!this.#simulator) return;
    const changes = this.#settingChanges;
    const { body, problem } = await ask('GET', '/klarna/settings');
    // A read that began before a person's change would undo it on the page.
    if (problem !== undefined || changes !== this.#settingChanges) return;
    this.#cancelPaid.checked = (body as { readonly completedCanBeCanceled: boolean }).completedCanBeCanceled;
  }

  /** Offers the faults of the chosen place. */
  #offer(): void {
    const { choices = [] } = this.#groups[Number(this.#where.value)] ?? {};
    this.#what.replaceChildren(...optionsOf(choices.map(({ text }) => text)));
    this.#enableOptions();
  }

  /** Enables only the options that the chosen fault uses. */
  #enableOptions(): void {
    const choice = this.#choice();
    this.#times.disabled = !choice?.repeatable;
    this.#onlyChosen.disabled = !choice?.forOne;
  }

  #choice(): FaultChoice | undefined {
    return this.#groups[Number(this.#where.value)]?.choices[Number(this.#what.value)];
  }

  /** The fault that is chosen, as the control address accepts it. */
  #injection({ fault, forOne, repeatable }: FaultChoice): Call {
    const id = forOne && this.#onlyChosen.checked ? chosenRequest()?.payment_request_id : undefined;
    const body = {
      ...fault,
      ...(repeatable && { times: this.#times.valueAsNumber || 1 }),
      ...(id !== undefined && { payment_request_id: id }),
    };
    return { method: 'POST', path: '/control/faults', body };
  }

  /** Klarna's pages disagree here. When it is on, a cancel can end what the customer has just paid. */
  #setting(completedCanBeCanceled: boolean): Call {
    return { method: 'POST', path: '/klarna/settings', body: { completedCanBeCanceled } };
  }

  #clearing(): readonly Call[] {
    // The control address comes first, because it starts a simulator that refuses connections.
    const parts = ['/control', ...(this.#simulator ? ['/klarna'] : [])];
    return parts.map((part) => ({ method: 'DELETE', path: `${part}/faults` }));
  }

  /** What the panel can do, for its code. */
  #actions(): readonly Action[] {
    const choice = this.#choice();
    const allow = this.#setting(!this.#cancelPaid.checked);
    return [
      ...(choice ? [{ text: 'Inject fault', calls: [this.#injection(choice)] }] : []),
      ...(this.#simulator ? [{ text: 'Change whether a paid request can be canceled', calls: [allow] }] : []),
      { text: 'Clear faults', calls: this.#clearing() },
      { text: 'Run the sweep now', calls: [sweepNow] },
    ];
  }

  async #inject(): Promise<void> {
    const choice = this.#choice();
    if (!choice) return;
    const { text, forOne, repeatable } = choice;
    if (forOne && this.#onlyChosen.checked && !chosenRequest()) {
      showProblem('Choose a Payment Request first, or clear the checkbox to hit the next call.');
      return;
    }
    const { problem } = await run([this.#injection(choice)]);
    this.#end(problem, repeatable ? `${text}: pending` : `${text}: injected`);
  }

  async #setCancelPaid(): Promise<void> {
    const { checked } = this.#cancelPaid;
    this.#settingChanges += 1;
    const { problem } = await run([this.#setting(checked)]);
    this.#settingChanges += 1;
    this.#end(problem, checked ? 'A paid request can be canceled' : 'A paid request cannot be canceled');
  }

  async #clear(): Promise<void> {
    this.#end((await run(this.#clearing())).problem, 'All faults are cleared');
  }

  async #sweep(): Promise<void> {
    this.#end((await run([sweepNow])).problem, 'The sweep has run');
  }

  #end(problem: string | undefined, done: string): void {
    showProblem(problem);
    setText(this.#outcome, problem === undefined ? `${done}.` : '');
    this.#onDone();
    void this.refresh();
  }
}

const sweepNow: Call = { method: 'POST', path: '/control/sweep' };

const check = (box: HTMLInputElement, text: string): HTMLElement =>
  element('label', { class: 'check form__wide' }, box, text);

/** A pending fault as its owner names it. */
function textOf({ target = 'klarna', on, kind, action, times }: Waiting): string {
  const words = [target, on, action, kind].filter((word) => typeof word === 'string');
  const left = times === 0 ? 'until cleared' : `${String(times)} more`;
  return `${words.join(' ')}, ${left}`;
}
