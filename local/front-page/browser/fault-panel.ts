import { ask } from './ask.ts';
import { button, byId, element, setText } from './element.ts';
import { type FaultChoice, faultChoices } from './fault-choices.ts';
import { KeyedList } from './keyed-list.ts';
import { showProblem } from './notices.ts';
import { chosenRequest } from './route.ts';

type Waiting = Readonly<Record<string, unknown>>;

const optionsOf = (texts: readonly string[]): readonly HTMLElement[] =>
  texts.map((text, place) => element('option', { value: String(place) }, text));

/** What can go wrong, to choose from, and what of it is still to come. */
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
  readonly #lax = element('input', { type: 'checkbox' });
  readonly #outcome = element('p', { class: 'outcome', role: 'status' });
  readonly #waiting = element('ul', { class: 'plain waiting', 'aria-label': 'Still to come' });
  readonly #list: KeyedList<readonly [string, string]>;

  constructor(simulator: boolean, onDone: () => void) {
    this.#simulator = simulator;
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
    this.#what.addEventListener('change', () => this.#heed());
    this.#lax.addEventListener('change', () => void this.#setLax());
    byId('fault-panel', HTMLElement).append(
      element(
        'div',
        { class: 'form__fields' },
        element('label', { class: 'form__wide' }, 'Where', this.#where),
        element('label', { class: 'form__wide' }, 'What', this.#what),
        element('label', {}, 'How often', this.#times),
        ...(simulator ? [check(this.#onlyChosen, 'Only for the request I look at (Klarna’s faults)')] : []),
      ),
      button('Make it happen', () => void this.#inject(), 'primary'),
      ...(simulator ? [check(this.#lax, 'Klarna lets a paid request be canceled')] : []),
      this.#outcome,
      this.#waiting,
      element(
        'div',
        { class: 'buttons' },
        button('All well again', () => void this.#clear()),
        button('Run the sweep now', () => void this.#sweep()),
      ),
    );
    this.#offer();
  }

  /** Asks what is still to come and how Klarna is set, if anybody can see it. */
  async refresh(): Promise<void> {
    if (!byId('faults', HTMLDetailsElement).open) return;
    const paths = ['/control/faults', ...(this.#simulator ? ['/klarna/faults'] : [])];
    const replies = await Promise.all(paths.map((path) => ask('GET', path)));
    const waiting = replies.flatMap(({ body, problem }) =>
      problem === undefined ? (body as { readonly faults: readonly Waiting[] }).faults : [],
    );
    this.#list.show(waiting.map((fault, place) => [String(place), textOf(fault)] as const));
    if (!this.#simulator) return;
    const { body, problem } = await ask('GET', '/klarna/settings');
    if (problem !== undefined) return;
    this.#lax.checked = (body as { readonly completedCanBeCanceled: boolean }).completedCanBeCanceled;
  }

  /** Offers what can go wrong in the place that is chosen. */
  #offer(): void {
    const { choices = [] } = this.#groups[Number(this.#where.value)] ?? {};
    this.#what.replaceChildren(...optionsOf(choices.map(({ text }) => text)));
    this.#heed();
  }

  /** Leaves open only what the choice heeds. */
  #heed(): void {
    const choice = this.#choice();
    this.#times.disabled = !choice?.repeatable;
    this.#onlyChosen.disabled = !choice?.forOne;
  }

  #choice(): FaultChoice | undefined {
    return this.#groups[Number(this.#where.value)]?.choices[Number(this.#what.value)];
  }

  async #inject(): Promise<void> {
    const choice = this.#choice();
    if (!choice) return;
    const { text, fault, forOne, repeatable } = choice;
    const chosen = chosenRequest();
    const isForOne = forOne && this.#onlyChosen.checked;
    if (isForOne && !chosen) {
      showProblem('Choose a Payment Request first, or let the fault befall whichever is next.');
      return;
    }
    const { problem } = await ask('POST', '/control/faults', {
      ...fault,
      ...(repeatable && { times: this.#times.valueAsNumber || 1 }),
      ...(isForOne && { payment_request_id: chosen?.payment_request_id }),
    });
    this.#end(problem, repeatable ? `${text}: to come` : `${text}: done`);
  }

  /** Klarna's pages disagree on it: with it a cancel may end what the customer has just paid. */
  async #setLax(): Promise<void> {
    const { checked } = this.#lax;
    const { problem } = await ask('POST', '/klarna/settings', { completedCanBeCanceled: checked });
    this.#end(problem, checked ? 'A paid request can be canceled' : 'A paid request cannot be canceled');
  }

  async #clear(): Promise<void> {
    // The control address first: a simulator that cannot be reached comes back by it.
    const replies = [await ask('DELETE', '/control/faults')];
    if (this.#simulator) replies.push(await ask('DELETE', '/klarna/faults'));
    this.#end(replies.find(({ problem }) => problem !== undefined)?.problem, 'Nothing more will go wrong');
  }

  async #sweep(): Promise<void> {
    this.#end((await ask('POST', '/control/sweep')).problem, 'The sweep has run');
  }

  #end(problem: string | undefined, done: string): void {
    showProblem(problem);
    setText(this.#outcome, problem === undefined ? `${done}.` : '');
    this.#onDone();
    void this.refresh();
  }
}

const check = (box: HTMLInputElement, text: string): HTMLElement =>
  element('label', { class: 'check form__wide' }, box, text);

/** A fault that waits, in the words of whoever keeps it. */
function textOf({ target = 'klarna', on, kind, action, times }: Waiting): string {
  const words = [target, on, action, kind].filter((word) => typeof word === 'string');
  const left = times === 0 ? 'until it is cleared' : `${String(times)} more`;
  return `${words.join(' ')}, ${left}`;
}
