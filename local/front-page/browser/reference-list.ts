import { type AwaitedReference, awaitedFacts, awaitedWord, keptCancelText } from './awaited-reference.ts';
import { element, setText } from './element.ts';
import { KeyedList, type Shown } from './keyed-list.ts';
import { routeTo } from './route.ts';

/** The references that wait, or waited, for their first Payment Request. */
export class ReferenceList {
  readonly #list: KeyedList<AwaitedReference>;
  #account = '';

  constructor(parent: HTMLElement) {
    this.#list = new KeyedList(
      parent,
      ({ reference }) => reference,
      () => this.#card(),
    );
  }

  show(account: string, references: readonly AwaitedReference[]): void {
    this.#account = account;
    this.#list.show(references);
  }

  #card(): Shown<AwaitedReference> {
    const title = element('h3', { class: 'session__title' });
    const chip = element('span');
    const facts = element('p', { class: 'quiet' });
    const cancel = element('p', { class: 'quiet' });
    const link = element('a', {}, 'Show the Payment Request');
    const head = element('div', { class: 'session__head' }, title, chip);
    return {
      root: element('li', { class: 'card reference' }, head, facts, cancel, link),
      update: (awaited) => {
        const { reference, status, payment_request_id: id } = awaited;
        setText(title, reference);
        setText(chip, awaitedWord(awaited));
        chip.className = `chip chip--${status === 'waiting' ? 'open' : 'ended'}`;
        setText(facts, awaitedFacts(awaited));
        setText(cancel, keptCancelText(awaited));
        link.hidden = id === null;
        if (id !== null) link.href = routeTo({ account: this.#account, payment_request_id: id });
      },
    };
  }
}
