import { follow } from './ask.ts';
import { byId, element } from './element.ts';
import { type EventFacts, factWords, typeWord } from './event-text.ts';
import { JsonDetails } from './json-details.ts';
import { shortId } from './record.ts';
import { timeElement } from './time-element.ts';

interface PublishedEvent {
  readonly id: string;
  readonly 'detail-type': string;
  readonly detail: EventFacts & {
    readonly recorded_at: string;
    readonly payment_request_id: string;
    readonly account: string;
    readonly reference: string | null;
  };
}

/** How many events are shown. */
const shownAtMost = 60;
const againAfterMillis = 2_000;

/** The published events, newest first, while the page is visible. */
export class EventList {
  readonly #list = byId('events', HTMLOListElement);
  readonly #note = byId('events-note', HTMLElement);
  readonly #seen = new Set<string>();
  #following: AbortController | undefined;

  /** Continues where it stopped, if it is not running. */
  start(): void {
    if (this.#following) return;
    const following = new AbortController();
    this.#following = following;
    follow(`/control/events?follow=true&last=${shownAtMost}`, (event) => this.#show(event), following.signal)
      .catch(() => undefined)
      .finally(() => {
        if (following.signal.aborted) return;
        setTimeout(() => {
          if (following.signal.aborted) return;
          this.#following = undefined;
          this.start();
        }, againAfterMillis);
      });
  }

  stop(): void {
    this.#following?.abort();
    this.#following = undefined;
  }

  #show(document: unknown): void {
    const event = document as PublishedEvent;
    if (this.#seen.has(event.id)) return;
    this.#seen.add(event.id);
    this.#note.hidden = true;
    this.#list.prepend(rowOf(event));
    while (this.#list.childElementCount > shownAtMost) this.#list.lastElementChild?.remove();
  }
}

function rowOf(event: PublishedEvent): HTMLElement {
  const { 'detail-type': type, detail } = event;
  const { recorded_at, reference, payment_request_id } = detail;
  const about = reference ?? shortId(payment_request_id);
  const json = new JsonDetails('JSON');
  json.update(event);
  return element(
    'li',
    { class: 'event' },
    timeElement(recorded_at),
    element('strong', {}, typeWord(type)),
    element('span', { class: 'event__about' }, about),
    element('span', { class: 'quiet' }, factWords(type, detail)),
    json.root,
  );
}
