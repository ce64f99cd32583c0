import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { SessionBoard } from '../../../local/demo/session-board.ts';

const up = '\u001B[2A';

it('the board has one line for each session, which shows its latest step in place', () => {
  const written: string[] = [];
  const board = new SessionBoard({ write: (text) => written.push(text) }, ['abandoned', 'paid in time']);
  expect(written[0]).toBe('\n\n');
  board.show('abandoned', 'shop', 'PUT: 201');
  board.show('paid in time', 'customer', 'approves the payment');
  board.show('abandoned', 'lapse', 'the deadline has passed: canceled');
  for (const text of written.slice(1)) {
    expect(text.startsWith(up)).toBe(true);
    expect(text.split('\n')).toHaveLength(3);
  }
  const lines = stripVTControlCharacters(written.at(-1) ?? '').split('\n');
  expect(lines[0]).toMatch(/abandoned +0\.0 s {2}lapse {5}the deadline has passed: canceled$/);
  expect(lines[1]).toMatch(/paid in time +0\.0 s {2}customer {2}approves the payment$/);
});
