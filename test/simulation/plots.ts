import type { Tally } from './tally.ts';

const font = 'font-family="sans-serif" font-size="11"';
const blue = '#4477aa';

/** Which events met a record in which state, and how often: darker is more often. An SVG. */
export function meetingsPlot({ meetings }: Pick<Tally, 'meetings'>): string {
  const pairs = [...meetings].map(
    ([name, count]) => [...name.split(' × '), count] as [string, string, number],
  );
  const states = [...new Set(pairs.map(([state]) => state))].toSorted();
  const events = [...new Set(pairs.map(([, event]) => event))].toSorted();
  const [cell, left, top] = [62, 150, 40];
  const most = Math.log(Math.max(...meetings.values()) + 1);
  const cells = events.flatMap((event, row) =>
    states.map((state, column) => {
      const count = meetings.get(`${state} × ${event}`) ?? 0;
      const depth = Math.log(count + 1) / most;
      const [x, y] = [left + column * (cell + 26), top + row * 22];
      return [
        `<rect x="${x}" y="${y}" width="${cell + 24}" height="20" fill="${blue}" fill-opacity="${(depth * 0.9).toFixed(2)}" stroke="#bbbbbb"/>`,
        `<text x="${x + cell / 2 + 12}" y="${y + 14}" text-anchor="middle" fill="${depth > 0.6 ? '#ffffff' : '#222222'}">${count.toLocaleString('en')}</text>`,
      ].join('\n');
    }),
  );
  return svg(left + states.length * (cell + 26) + 10, top + events.length * 22 + 10, [
    ...states.map(
      (state, column) =>
        `<text x="${left + column * (cell + 26) + cell / 2 + 12}" y="${top - 8}" text-anchor="middle">${state}</text>`,
    ),
    ...events.map(
      (event, row) => `<text x="${left - 8}" y="${top + row * 22 + 14}" text-anchor="end">${event}</text>`,
    ),
    ...cells,
  ]);
}

/** How long after its deadline a session's request was canceled: with nothing lost, and with faults and losses. An SVG. */
export function latenessPlot({ lateness }: Pick<Tally, 'lateness'>): string {
  const rows = [
    ['nothing lost', lateness.lossless, blue],
    ['faults, crashes and losses', lateness.full, '#ee6677'],
  ] as const;
  const powers = Array.from({ length: 28 }, (_, power) => power);
  const [bar, height, left] = [22, 110, 20];
  const drawn = rows.flatMap(([name, counts, color], row) => {
    const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
    const most = Math.max(1, ...counts.values());
    const base = 40 + row * (height + 40) + height;
    return [
      `<text x="${left}" y="${base - height - 8}">${name}: ${all.toLocaleString('en')} sessions</text>`,
      ...powers.map((power) => {
        const tall = ((counts.get(power) ?? 0) / most) * height;
        return `<rect x="${left + power * bar}" y="${(base - tall).toFixed(1)}" width="${bar - 3}" height="${tall.toFixed(1)}" fill="${color}"/>`;
      }),
      `<line x1="${left}" y1="${base}" x2="${left + powers.length * bar}" y2="${base}" stroke="#888888"/>`,
      ...ticks.map(
        ([label, millis]) =>
          `<text x="${(left + Math.log2(millis) * bar).toFixed(0)}" y="${base + 14}" text-anchor="middle">${label}</text>`,
      ),
    ];
  });
  return svg(left + powers.length * bar + 20, 40 + rows.length * (height + 40), drawn);
}

/** How long each disturbance took to be got over, a bar each. An SVG. */
export function recoveryPlot(
  bars: readonly (readonly [name: string, length: number])[],
  unit: string,
): string {
  const [left, width, height] = [400, 360, 18];
  const longest = Math.max(1, ...bars.map(([, length]) => length));
  return svg(
    left + width + 70,
    20 + bars.length * height,
    bars.flatMap(([name, length], row) => {
      const base = 10 + row * height;
      const wide = (length / longest) * width;
      return [
        `<text x="${left - 8}" y="${base + 12}" text-anchor="end">${name}</text>`,
        `<rect x="${left}" y="${base + 2}" width="${wide.toFixed(1)}" height="${height - 5}" fill="${blue}"/>`,
        `<text x="${(left + wide + 6).toFixed(1)}" y="${base + 12}">${length.toFixed(1)} ${unit}</text>`,
      ];
    }),
  );
}

const ticks = [
  ['100 ms', 100],
  ['1 s', 1_000],
  ['10 s', 10_000],
  ['1 min', 60_000],
  ['10 min', 600_000],
  ['1 h', 3_600_000],
  ['12 h', 43_200_000],
] as const;

const svg = (width: number, height: number, inner: readonly string[]): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ${font} fill="#222222">`,
    '<rect width="100%" height="100%" fill="#ffffff"/>',
    ...inner,
    '</svg>',
    '',
  ].join('\n');
