import { ask } from './ask.ts';
import { button, byId, element, setText } from './element.ts';
import { type FaultChoice, faultChoices } from './fault-choices.ts';
import { KeyedList } from './keyed-list.ts';
import { showProblem } from './notices.ts';
import { chosenRequest } from './route.ts';

type Waiting = Readonly<Record<string, unknown>>;

/** Buttons for what can go wrong, and what of it is still to come. */
export class FaultPanel {
  readonly #simulator: boolean;
  readonly #onDone: () => void;
  readonly #times = element('input', {
    type: 'number',
    min: '1',
    max: '1000',
    value: '1',
    inputmode: 'numeric',
  });
  readonly #onlyChosen = element('input', { type: 'checkbox' });
  readonly #outcome = element('p', { class: 'outcome', role: 'status' });
  readonly #waiting = element('ul', { class: 'plain waiting', 'aria-label': 'Still to come' });
  readonly #list: KeyedList<readonly [string, string]>;

  constructor(simulator: boolean, onDone: () => void) {
    this.#simulator = simulator;
    this.#onDone = onDone;
    this.#list = new KeyedList(
      this.#waiting,
      ([key]) => key,
      () => {
        const root = element('li');
        return { root, update: ([, text]) => setText(root, text) };
      },
    );
    byId('fault-panel', HTMLElement).append(
      element(
        'div',
        { class: 'form__fields' },
        element('label', {}, 'How often', this.#times),
        element(
          'label',
          { class: 'check form__wide' },
          this.#onlyChosen,
          'Klarna’s only for the request I look at',
        ),
      ),
      ...faultChoices.flatMap(({ title, choices }) => {
        const offered = choices.filter(({ fault }) => simulator || fault['target'] !== 'klarna');
        if (offered.length === 0) return [];
        const buttons = offered.map((choice) => button(choice.text, () => void this.#inject(choice)));
        const group = element('div', { class: 'buttons' }, ...buttons);
        return [element('fieldset', {}, element('legend', {}, title), group)];
      }),
      this.#outcome,
      this.#waiting,
      element(
        'div',
        { class: 'buttons' },
        button('All well again', () => void this.#clear(), 'primary'),
        button('Run the sweep now', () => void this.#sweep()),
      ),
    );
  }

  /** Asks what is still to come, if anybody can see it. */
  async refresh(): Promise<void> {
    if (!byId('faults', HTMLDetailsElement).open) return;
    const paths = ['/control/faults', ...(this.#simulator ? ['/klarna/faults'] : [])];
    const replies = await Promise.all(paths.map((path) => ask('GET', path)));
    const waiting = replies.flatMap(({ body, problem }) =>
      problem === undefined ? (body as { readonly faults: readonly Waiting[] }).faults : [],
    );
    this.#list.show(waiting.map((fault, place) => [String(place), textOf(fault)] as const));
  }

  async #inject({ text, fault, forOne, repeatable }: FaultChoice): Promise<void> {
    const chosen = chosenRequest();
    if (forOne && this.#onlyChosen.checked && !chosen) {
      showProblem('Choose a Payment Request first, or let the fault befall whichever is next.');
      return;
    }
    const { problem } = await ask('POST', '/control/faults', {
      ...fault,
      ...(repeatable && { times: this.#times.valueAsNumber || 1 }),
      ...(forOne && this.#onlyChosen.checked && { payment_request_id: chosen?.payment_request_id }),
    });
    this.#end(problem, repeatable ? `${text}: to come` : `${text}: done`);
  }

  async #clear(): Promise<void> {
    const paths = ['/control/faults', ...(this.#simulator ? ['/klarna/faults'] : [])];
    const replies = await Promise.all(paths.map((path) => ask('DELETE', path)));
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

/** A fault that waits, in the words of whoever keeps it. */
function textOf({ target = 'klarna', on, kind, action, times }: Waiting): string {
  const words = [target, on, action, kind].filter((word) => typeof word === 'string');
  const left = times === 0 ? 'until it is cleared' : `${String(times)} more`;
  return `${words.join(' ')}, ${left}`;
}
