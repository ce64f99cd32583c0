import { element, setText } from './element.ts';

/** A document that the reader can open as JSON. */
export class JsonDetails {
  readonly root: HTMLElement;
  readonly #text = element('pre', { class: 'code' });

  constructor(summary: string) {
    this.root = element('details', { class: 'evidence' }, element('summary', {}, summary), this.#text);
  }

  update(document: unknown): void {
    setText(this.#text, JSON.stringify(document, undefined, 2));
  }
}
