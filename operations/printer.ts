import Table from 'cli-table3';
import colours from 'picocolors';
import type { CommonOptions } from './common-options.ts';
import type { Terminal } from './terminal.ts';

/** A row of a table. Its keys are the columns. Absent values are shown as `-`. */
export type Row = Readonly<Record<string, string | number | boolean | undefined>>;

/** How a command shows its results: as text for people, or with `--json` as one JSON object a line. */
export interface Printer {
  /** Whether the results are JSON. */
  readonly isJson: boolean;
  /** Colours that have no effect outside a terminal. */
  readonly colours: ReturnType<typeof colours.createColors>;
  /** Says something that is not a result. With `--json` it goes to standard error. */
  readonly say: (line: string) => void;
  /** Shows one result: the line, or the value as JSON. */
  readonly result: (value: object, line: string) => void;
  /** Shows a table with a header. Says `empty` where there are no rows. With `--json`, each row is shown as soon as it is known. */
  readonly table: (rows: Iterable<Row> | AsyncIterable<Row>, empty: string) => Promise<void>;
  /** Shows values as a table, each by its row. With `--json`, each whole value is shown as soon as it is known. */
  readonly list: <Value extends object>(
    values: Iterable<Value> | AsyncIterable<Value>,
    shown: { readonly row: (value: Value) => Row; readonly empty: string },
  ) => Promise<void>;
}

/** Shows the results of a command, one by one. */
export type ShowResult = Printer['result'];

/** A printer on this terminal. */
export function printerOn(
  terminal: Terminal,
  { json = false, color = true }: Pick<CommonOptions, 'json' | 'color'> = {},
): Printer {
  const paint = colours.createColors(color && terminal.hasColours);
  const printJson = (value: object) => terminal.out(JSON.stringify(value));
  const list: Printer['list'] = async (values, { row, empty }) => {
    const rows: Row[] = [];
    for await (const value of values) {
      if (json) printJson(value);
      else rows.push(row(value));
    }
    if (json) return;
    const [first] = rows;
    if (first === undefined) terminal.out(empty);
    else for (const line of linesOf(Object.keys(first), rows, paint.bold)) terminal.out(line);
  };
  return {
    isJson: json,
    colours: paint,
    say: json ? terminal.err : terminal.out,
    result: (value, line) => (json ? printJson(value) : terminal.out(line)),
    list,
    table: (rows, empty) => list(rows, { row: (row) => row, empty }),
  };
}

const noBorder = Object.fromEntries(
  ['top', 'bottom', 'mid', 'left', 'right']
    .flatMap((side) => [side, `${side}-mid`, `${side}-left`, `${side}-right`, `mid-${side}`])
    .map((name) => [name, '']),
);

function linesOf(
  columns: readonly string[],
  rows: readonly Row[],
  heading: (text: string) => string,
): readonly string[] {
  const table = new Table({
    head: columns.map((name) => heading(name.replaceAll('_', ' ').toUpperCase())),
    chars: { ...noBorder, middle: '  ' },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
  for (const row of rows) table.push(columns.map((name) => String(row[name] ?? '-')));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}
