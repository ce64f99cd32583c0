import type { AtKlarna } from './at-klarna.ts';
import { element, setText } from './element.ts';
import { KeyedList } from './keyed-list.ts';
import { type PaymentRequestRecord, stateWord } from './record.ts';
import { timeElement } from './time-element.ts';
import { timeText } from './time-text.ts';

interface Line {
  readonly key: string;
  readonly at: string;
  readonly text: string;
}

/** Klarna's state beside the record's, and the calls and webhooks between the two. */
export class KlarnaView {
  readonly root: HTMLElement;
  readonly #verdict = element('p', { class: 'verdict' });
  readonly #klarna = element('strong');
  readonly #record = element('strong');
  readonly #more = element('p', { class: 'quiet' });
  readonly #traffic: KeyedList<Line>;

  constructor() {
    const traffic = element('ol', { class: 'plain traffic' });
    this.#traffic = new KeyedList(
      traffic,
      ({ key, at }) => `${key} ${at}`,
      ({ at }) => {
        const text = element('span');
        return {
          root: element('li', {}, timeElement(at), text),
          update: (line) => setText(text, line.text),
        };
      },
    );
    this.root = element(
      'section',
      { class: 'card', 'aria-labelledby': 'klarna-title' },
      element('h3', { id: 'klarna-title' }, 'Klarna and the record'),
      element(
        'div',
        { class: 'states' },
        element('p', {}, 'At Klarna: ', this.#klarna),
        element('p', {}, 'In the record: ', this.#record),
      ),
      this.#verdict,
      this.#more,
      traffic,
    );
  }

  /** @param atKlarna null where Klarna is not the simulator, or does not have the request */
  update(record: PaymentRequestRecord, atKlarna: AtKlarna | null): void {
    setText(this.#record, stateWord(record.state));
    this.#record.title = record.state ?? '';
    const request = atKlarna?.payment_request;
    const known = request?.deleted_at === undefined ? request?.state : undefined;
    setText(this.#klarna, request === undefined ? 'not visible here' : klarnaWord(request));
    this.#klarna.title = known ?? '';
    const differ = known !== undefined && known !== record.state;
    this.root.classList.toggle('differs', differ);
    const source = record.evidence ? ` Source of the record: ${sourceWord(record.evidence.source)}.` : '';
    setText(
      this.#verdict,
      differ
        ? 'The two differ: a webhook is on its way, or was lost. The sweep will ask Klarna.'
        : known === undefined
          ? source.trim()
          : `The two agree.${source}`,
    );
    setText(this.#more, request ? moreOf(request) : '');
    this.#traffic.show(atKlarna ? trafficOf(atKlarna) : []);
  }
}

const klarnaWord = ({ state, deleted_at }: AtKlarna['payment_request']): string =>
  deleted_at === undefined ? stateWord(state) : 'Deleted at Klarna (404)';

const sourceWords: Readonly<Record<string, string>> = {
  webhook: 'a webhook',
  read: 'a read from Klarna',
  cancel: 'Klarna’s response to our cancel',
  not_found: 'Klarna’s 404',
};

const sourceWord = (source: string): string => sourceWords[source] ?? source;

function moreOf({ state_reason, expires_at, abandoned_at }: AtKlarna['payment_request']): string {
  return [
    ...(state_reason === undefined ? [] : [`Klarna’s reason: ${state_reason}.`]),
    ...(abandoned_at === undefined
      ? []
      : [`The customer closed the window at ${timeText(abandoned_at)}. Klarna does not know that.`]),
    `Klarna expiry: ${timeText(expires_at)}.`,
  ].join(' ');
}

/** Calls to Klarna and webhooks from it, oldest first. */
function trafficOf({ calls, deliveries }: AtKlarna): readonly Line[] {
  const asked = calls.map(({ call_id, at, method, status, fault }) => ({
    key: call_id,
    at,
    text: `We sent ${method}: ${status ?? 'no response'}${fault === null ? '' : ` (${fault})`}`,
  }));
  const told = deliveries.flatMap(
    ({ delivery_id, event_type, occurred_at, status, attempts, next_attempt_at }) => {
      const name = event_type.split('.').at(-1) ?? event_type;
      const lines = attempts.map((attempt, number) => ({
        key: `${delivery_id} ${number}`,
        at: attempt.at,
        text: `Webhook “${name}”${attempt.wrong_signature ? ' with a wrong signature' : ''}: ${attempt.status ?? 'no response'}`,
      }));
      if (status === 'lost') {
        const at = attempts.at(-1)?.at ?? occurred_at;
        return [...lines, { key: `${delivery_id} lost`, at, text: `Webhook “${name}”: lost` }];
      }
      if (next_attempt_at === undefined) return lines;
      const waiting = {
        key: `${delivery_id} next`,
        at: next_attempt_at,
        text: `Webhook “${name}”: next attempt`,
      };
      return [...lines, waiting];
    },
  );
  return [...asked, ...told].toSorted((a, b) => (a.at < b.at ? -1 : 1));
}
