import { Countdown } from './countdown.ts';
import { element, setText } from './element.ts';
import { KeyedList, type Shown } from './keyed-list.ts';
import { announce } from './notices.ts';
import { type PaymentRequestRecord, type Session, sessionsOf, shortId, stateWord } from './record.ts';
import { routeTo } from './route.ts';

/** The sessions with their countdowns, newest first. */
export class SessionList {
  readonly #parent: HTMLElement;
  readonly #list: KeyedList<Session>;
  readonly #countdowns = new Set<Countdown>();
  readonly #told = new Map<string, string>();
  #chosen: string | undefined;

  constructor(parent: HTMLElement) {
    this.#parent = parent;
    this.#list = new KeyedList(
      parent,
      ({ key }) => key,
      () => this.#card(),
    );
  }

  /** @param chosen the id of the chosen Payment Request */
  show(records: readonly PaymentRequestRecord[], chosen: string | undefined): void {
    this.#chosen = chosen;
    const sessions = sessionsOf(records);
    this.#list.show(sessions);
    for (const { key, title, status } of sessions) this.#tell(key, title, status);
  }

  /** Shows the time that is left now. */
  tick(): void {
    for (const countdown of this.#countdowns) {
      if (countdown.words.isConnected) countdown.tick();
      else this.#countdowns.delete(countdown);
    }
  }

  /** Moves the focus to the Payment Request that was shown until now, if it is listed. */
  focus(route: string): void {
    const links = [...this.#parent.querySelectorAll('a')];
    links.find((link) => link.getAttribute('href') === route)?.focus();
  }

  #tell(key: string, title: string, status: string): void {
    const before = this.#told.get(key);
    this.#told.set(key, status);
    if (before !== undefined && before !== status) announce(`${title} is ${status}.`);
  }

  #card(): Shown<Session> {
    const title = element('h3', { class: 'session__title' });
    const chip = element('span');
    const attempts = element('ul', { class: 'plain' });
    const rows = new KeyedList<PaymentRequestRecord>(
      attempts,
      ({ payment_request_id }) => payment_request_id,
      (record) => this.#row(record),
    );
    const head = element('div', { class: 'session__head' }, title, chip);
    return {
      root: element('li', { class: 'card session' }, head, attempts),
      update: (session) => {
        setText(title, session.title);
        setText(chip, session.status);
        chip.className = `chip chip--${session.status}`;
        rows.show(session.requests);
      },
    };
  }

  #row(record: PaymentRequestRecord): Shown<PaymentRequestRecord> {
    const countdown = new Countdown();
    this.#countdowns.add(countdown);
    const state = element('span', { class: 'attempt__state' });
    const attention = element('span', { class: 'attention' });
    const id = element('span', { class: 'attempt__id' }, shortId(record.payment_request_id));
    const link = element(
      'a',
      { class: 'attempt', href: routeTo(record) },
      element('span', { class: 'attempt__line' }, id, state, attention, countdown.words),
      countdown.bar,
    );
    return {
      root: element('li', {}, link),
      update: (now) => {
        countdown.update(now);
        setText(state, stateWord(now.state));
        setText(attention, now.attention === null ? '' : 'needs attention');
        if (now.payment_request_id === this.#chosen) link.setAttribute('aria-current', 'true');
        else link.removeAttribute('aria-current');
      },
    };
  }
}
