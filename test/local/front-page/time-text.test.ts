import { expect, it } from 'vitest';
import { timeText } from '../../../local/front-page/browser/time-text.ts';

it.each([
  ['today', '2026-03-01T12:20:05Z', /^\d\d:\d\d:05$/],
  ['two days later', '2026-03-03T12:20:05Z', /^3 Mar 2026, \d\d:\d\d:05$/],
])('a time of %s is shown with its date only if it is on another day', (_, instant, shown) => {
  expect(timeText(instant, Date.parse('2026-03-01T12:00:00Z'))).toMatch(shown);
});
