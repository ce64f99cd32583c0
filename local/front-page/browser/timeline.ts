import { element, setText } from './element.ts';
import { type EntryWords, headingOf } from './history-heading.ts';
import { KeyedList } from './keyed-list.ts';
import { timeElement } from './time-element.ts';

/** An entry of a history as the API shows it. */
export interface HistoryEntry extends EntryWords {
  readonly event_id: string;
  readonly recorded_at: string;
  readonly explanation: string;
}

/** A list for the history of one Payment Request, oldest first. */
export function timelineIn(parent: HTMLElement): KeyedList<HistoryEntry> {
  return new KeyedList(
    parent,
    ({ event_id, recorded_at }) => `${event_id} ${recorded_at}`,
    (entry) => {
      const { recorded_at, effect, explanation, evidence } = entry;
      const said = element('strong', {}, headingOf(entry));
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
