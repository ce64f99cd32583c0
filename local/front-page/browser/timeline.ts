import { element, setText } from './element.ts';
import { KeyedList } from './keyed-list.ts';
import { timeElement } from './time-text.ts';

/** An entry of a history as the API shows it. */
export interface HistoryEntry {
  readonly event_id: string;
  readonly kind: string;
  readonly recorded_at: string;
  readonly effect: string;
  readonly explanation: string;
  readonly state: string | null;
  readonly evidence: Readonly<Record<string, string>>;
}

/** How each kind of entry begins its sentence. */
const subjects: Readonly<Record<string, string>> = {
  webhook: 'A webhook of Klarna’s',
  read: 'A look at Klarna',
  cancel: 'Klarna’s answer to our cancel',
  absence: 'Klarna knows it no longer',
  register: 'The shop registered the session',
  extend: 'The shop moved the deadline',
  klarna_expiry: 'Klarna’s own expiry was set',
  cancel_request: 'A cancel was asked for',
  timer: 'The session’s time was up',
  sweep: 'The sweep looked at it',
};

function headOf(kind: string, state: string | null, evidence: HistoryEntry['evidence']): string {
  const isTimeout = kind === 'cancel_request' && evidence['cause'] === 'timeout';
  const subject = isTimeout ? 'The session’s time was up: a cancel was asked for' : (subjects[kind] ?? kind);
  return state === null ? subject : `${subject}: ${state}`;
}

/** A list that is kept to the history of one Payment Request, oldest first. */
export function timelineIn(parent: HTMLElement): KeyedList<HistoryEntry> {
  return new KeyedList(
    parent,
    ({ event_id, recorded_at }) => `${event_id} ${recorded_at}`,
    ({ kind, state, recorded_at, effect, explanation, evidence }) => {
      const said = element('strong', {}, headOf(kind, state, evidence));
      const told = element('p', { class: 'timeline__text' });
      setText(told, explanation);
      const root = element(
        'li',
        { class: `timeline__entry timeline__entry--${/^[a-z]+$/.test(effect) ? effect : 'noted'}` },
        element('p', { class: 'timeline__head' }, timeElement(recorded_at), said),
        told,
        evidenceOf(evidence),
      );
      return { root, update: () => undefined };
    },
  );
}

function evidenceOf(evidence: HistoryEntry['evidence']): HTMLElement {
  const rows = Object.entries(evidence).flatMap(([name, value]) => [
    element('dt', {}, name.replaceAll('_', ' ')),
    element('dd', {}, value),
  ]);
  if (rows.length === 0) return element('span');
  return element(
    'details',
    { class: 'evidence' },
    element('summary', {}, 'evidence'),
    element('dl', { class: 'facts' }, ...rows),
  );
}
