import { button, byId, element, setText } from './element.ts';

/** Shows what was refused and why, until the reader closes it or another message replaces it. */
export function showProblem(problem: string | undefined): void {
  const place = byId('notice', HTMLElement);
  if (problem === undefined) {
    place.replaceChildren();
    return;
  }
  if (place.firstChild?.textContent === problem) return;
  place.replaceChildren(
    element('span', {}, problem),
    button('Close', () => place.replaceChildren()),
  );
}

/** Says that the page may show old data, for as long as that is the case. */
export function showOutage(outage: string | undefined): void {
  setText(byId('outage', HTMLElement), outage ?? '');
}

/** Announces changes to readers who use a screen reader. */
export function announce(text: string): void {
  byId('announcer', HTMLElement).textContent = text;
}
