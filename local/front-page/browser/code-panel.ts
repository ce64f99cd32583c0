import type { Action } from './call.ts';
import { type Addresses, curlOf, typescriptOf } from './code-text.ts';
import { button, element, setText } from './element.ts';

const languages = { curl: curlOf, TypeScript: typescriptOf } as const;

/** Actions as code for a shell or for a module, to read and to copy. */
export class CodePanel {
  readonly root: HTMLElement;
  readonly #addresses: Addresses;
  readonly #which = element('select');
  readonly #language = element('select');
  readonly #code = element('pre', { class: 'code' });
  readonly #outcome = element('p', { class: 'outcome', role: 'status' });
  #actions: readonly Action[] = [];

  constructor(addresses: Addresses) {
    this.#addresses = addresses;
    this.#language.append(...Object.keys(languages).map((name) => element('option', {}, name)));
    for (const choice of [this.#which, this.#language]) {
      choice.addEventListener('change', () => this.#update());
    }
    this.root = element(
      'details',
      { class: 'as-code' },
      element('summary', {}, 'Copy as curl or TypeScript'),
      element(
        'div',
        { class: 'form__fields' },
        element('label', {}, 'Action', this.#which),
        element('label', {}, 'Language', this.#language),
      ),
      this.#code,
      button('Copy', () => void this.#copy()),
      this.#outcome,
    );
  }

  show(actions: readonly Action[]): void {
    const texts = actions.map(({ text }) => text);
    if (texts.join() !== this.#actions.map(({ text }) => text).join()) {
      this.#which.replaceChildren(...texts.map((text) => element('option', {}, text)));
    }
    this.#actions = actions;
    this.#update();
  }

  /** Shows the code of this action. */
  choose({ text }: Action): void {
    this.#which.value = text;
    this.#update();
  }

  #update(): void {
    const { calls = [] } = this.#actions[this.#which.selectedIndex] ?? {};
    const write = this.#language.value === 'curl' ? languages.curl : languages.TypeScript;
    const code = write(calls, this.#addresses);
    if (this.#code.textContent === code) return;
    setText(this.#code, code);
    setText(this.#outcome, '');
  }

  async #copy(): Promise<void> {
    const done = await navigator.clipboard.writeText(this.#code.textContent).then(
      () => 'Copied.',
      () => 'The browser does not allow it. Select the text instead.',
    );
    setText(this.#outcome, done);
  }
}
