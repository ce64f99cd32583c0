import * as Plot from '@observablehq/plot';
import { plotSvg } from '../../tools/plot/plot-svg.ts';
import { find } from '../figures.ts';
import { sizeName, sizes } from '../rounds.ts';
import type { Run } from '../run.ts';

/** Draws init and first call of each peer at each size as stacked bars, in SVG. */
export function plotOf({ figures }: Run): string {
  const rows = sizes.flatMap((size) =>
    ['cancel', 'webhook'].flatMap((job) =>
      [`typical ${job}`, `lean ${job}`, `lapse ${job}, warm-up off`, `lapse ${job}`].flatMap((subject) => {
        const found = find(figures, subject, size);
        const label = `${sizeName(size)}: ${subject}`;
        return found ? [{ label, ...found }] : [];
      }),
    ),
  );
  const parts = rows.flatMap(({ label, init, first }) => [
    { label, part: 'init', millis: init },
    { label, part: 'first call', millis: first },
  ]);
  return plotSvg({
    title: 'Time until the first response: init and first call, medians',
    legend: ['init', 'first call'],
    width: 860,
    height: 60 + rows.length * 18,
    marginLeft: 240,
    marginTop: 46,
    marginRight: 60,
    marginBottom: 10,
    x: { axis: null },
    y: { label: null, tickSize: 0, domain: rows.map(({ label }) => label), padding: 0.2 },
    marks: [
      Plot.barX(parts, { x: 'millis', y: 'label', fill: 'part' }),
      Plot.text(rows, {
        x: ({ init, first }: (typeof rows)[number]) => init + first,
        y: 'label',
        text: ({ init, first }: (typeof rows)[number]) => `${Math.round(init + first)} ms`,
        textAnchor: 'start',
        dx: 5,
      }),
    ],
  });
}
