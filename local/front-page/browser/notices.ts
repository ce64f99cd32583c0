import { button, byId, element, setText } from './element.ts';

/** Says on the page what was refused and why, until it is closed or something else is said; nothing clears it. */
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

/** Says on the page that what is shown may be old, for as long as that is so. */
export function showOutage(outage: string | undefined): void {
  setText(byId('outage', HTMLElement), outage ?? '');
}

/** Tells those who do not see the page what has changed on it. */
export function announce(text: string): void {
  byId('announcer', HTMLElement).textContent = text;
}
