import type { Run } from '../run.ts';
import { find } from '../figures.ts';
import { sizes } from '../rounds.ts';

const barHeight = 14;
const rowHeight = 18;
const left = 190;
const width = 620;

const colors = { init: '#4477aa', first: '#ee6677' } as const;

/** Init and first call of each peer at each size, as bars one above the other: an SVG. */
export function plotOf({ figures }: Run): string {
  const rows = sizes.flatMap((size) =>
    ['cancel', 'webhook'].flatMap((job) => [
      ...[`typical ${job}`, `lapse ${job}, warm-up off`, `lapse ${job}`].flatMap((subject) => {
        const found = find(figures, subject, size);
        return found
          ? [{ label: `${size === 'whole' ? 'a core' : `${size} MB`}: ${subject}`, ...found }]
          : [];
      }),
    ]),
  );
  const longest = Math.max(...rows.map(({ init, first }) => init + first));
  const scale = (millis: number): number => Math.round((millis / longest) * (width - 70));
  const bars = rows.map(({ label, init, first }, index) => {
    const y = 46 + index * rowHeight;
    const text = y + barHeight - 3;
    return [
      `<text x="${left - 8}" y="${text}" text-anchor="end">${label}</text>`,
      `<rect x="${left}" y="${y}" width="${scale(init)}" height="${barHeight}" fill="${colors.init}"/>`,
      `<rect x="${left + scale(init)}" y="${y}" width="${scale(first)}" height="${barHeight}" fill="${colors.first}"/>`,
      `<text x="${left + scale(init) + scale(first) + 5}" y="${text}">${Math.round(init + first)} ms</text>`,
    ].join('\n');
  });
  const height = 56 + rows.length * rowHeight;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${left + width} ${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    `<text x="8" y="18" font-size="13">What whoever comes first waits for: init and first call, medians</text>`,
    `<rect x="8" y="26" width="10" height="10" fill="${colors.init}"/><text x="22" y="35">init</text>`,
    `<rect x="60" y="26" width="10" height="10" fill="${colors.first}"/><text x="74" y="35">first call</text>`,
    ...bars,
    '</svg>',
    '',
  ].join('\n');
}
