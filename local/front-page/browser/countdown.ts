import { isOpen } from '../../../functions/domain/payment-request-state.ts';
import { element, setText } from './element.ts';
import { type PaymentRequestRecord, stateOf } from './record.ts';
import { serverNow } from './server-clock.ts';

/** A bar and a text that show how much time a session has left. */
export class Countdown {
  readonly words = element('span', { class: 'countdown' });
  readonly bar: HTMLElement;
  readonly #rest = element('div', { class: 'bar__rest' });
  #record: PaymentRequestRecord | undefined;

  constructor() {
    this.bar = element('div', { class: 'bar', 'aria-hidden': 'true' }, this.#rest);
  }

  update(record: PaymentRequestRecord): void {
    this.#record = record;
    this.tick();
  }

  /** Shows the time that is left now. */
  tick(): void {
    if (!this.#record) return;
    const { deadline_at: deadline, created_at: start } = this.#record;
    const open = isOpen(stateOf(this.#record));
    setText(this.words, wordsFor(this.#record, open));
    this.bar.hidden = !open || deadline === null;
    if (deadline === null) return;
    const left = Date.parse(deadline) - serverNow();
    const whole = Math.max(1, Date.parse(deadline) - Date.parse(start));
    const share = Math.min(1, Math.max(0, left / whole));
    this.#rest.style.transform = `scaleX(${share.toFixed(4)})`;
    this.bar.classList.toggle('bar--short', share < 0.2);
  }
}

function wordsFor({ deadline_at: deadline, on_timeout }: PaymentRequestRecord, open: boolean): string {
  if (!open) return '';
  if (deadline === null) return 'no deadline';
  const left = Date.parse(deadline) - serverNow();
  if (left > 0) return `${clockText(left)} left`;
  return on_timeout === 'observe' ? 'deadline passed, observed only' : 'deadline passed';
}

/** Minutes and seconds, and hours where there are any. */
function clockText(millis: number): string {
  const seconds = Math.ceil(millis / 1_000);
  const two = (count: number): string => String(count).padStart(2, '0');
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor((seconds % 3_600) / 60);
  const tail = two(seconds % 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${tail}` : `${minutes}:${tail}`;
}
