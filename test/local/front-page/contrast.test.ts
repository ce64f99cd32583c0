import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const css = readFileSync('local/front-page/browser/page.css', 'utf8');

/** The colors of a scheme; those of the light one where it sets none. */
function coloursIn(scheme: 'light' | 'dark'): ReadonlyMap<string, string> {
  const [light = '', dark = ''] = [...css.matchAll(/:root \{([^}]*)\}/g)].map(([, rules = '']) => rules);
  const rules = scheme === 'light' ? light : light + dark;
  return new Map(
    [...rules.matchAll(/(--[\w-]+): (#[0-9a-f]{6})/g)].map(([, name = '', hex = '']) => [name, hex]),
  );
}

/** https://www.w3.org/TR/WCAG22/#dfn-relative-luminance */
function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** Each text color with its background. */
const pairs: readonly (readonly [string, string])[] = [
  ['--text', '--ground'],
  ['--quiet', '--ground'],
  ['--accent', '--ground'],
  ['--text', '--card'],
  ['--quiet', '--card'],
  ['--accent', '--card'],
  ['--danger', '--card'],
  ['--warn', '--card'],
  ['--paid', '--card'],
  ['--on-accent', '--accent'],
  ['--open', '--open-soft'],
  ['--text', '--open-soft'],
  ['--quiet', '--open-soft'],
  ['--paid', '--paid-soft'],
  ['--ended', '--ended-soft'],
  ['--text', '--ended-soft'],
  ['--text', '--warn-soft'],
  ['--text', '--danger-soft'],
];

it.each(['light', 'dark'] as const)('every text of the %s page has a contrast of 4.5 (WCAG AA)', (scheme) => {
  const colours = coloursIn(scheme);
  const faint = pairs.filter(([text, ground]) => {
    return contrast(colours.get(text) ?? '#000000', colours.get(ground) ?? '#000000') < 4.5;
  });
  expect(faint).toEqual([]);
});
