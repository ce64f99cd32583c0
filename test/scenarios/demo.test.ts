import { afterAll, beforeAll, expect, it } from 'vitest';
import { linesToTry, playDemo } from '../../local/demo/demo.ts';
import { type LocalProcess, startLocalProcess } from '../support/local-process.ts';

let system: LocalProcess;

beforeAll(async () => {
  system = await startLocalProcess();
}, 60_000);

afterAll(() => system.stop());

it('each session of the demonstration ends as expected and prints its steps', async () => {
  const lines: string[] = [];
  const ended = await playDemo(system, (line) => lines.push(line));
  const shown = lines.join('\n');
  expect(ended, shown).toBe(true);
  expect(shown).toMatch(/abandoned .*CANCELED +CANCELED +as expected +1/);
  expect(shown).toMatch(/paid in time .*COMPLETED +COMPLETED +as expected +0/);
  expect(shown).toContain('DELETE: 200 already_canceled');
  expect(shown).toContain('Payment Request Cancel Refused');
}, 60_000);

it('the printed curl lines work unchanged', async () => {
  const lines = await linesToTry(system);
  expect(lines).toHaveLength(3);
  const statuses = [];
  for (const line of lines) {
    const [, method = 'GET'] = /-X (\w+)/.exec(line) ?? [];
    const [url = ''] = /http:\S+/.exec(line) ?? [];
    const [, body] = /-d '(.*)'/.exec(line) ?? [];
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url, { method, ...(body !== undefined && { headers, body }) });
    statuses.push(response.status);
  }
  expect(statuses).toEqual([201, 200, 200]);
});
