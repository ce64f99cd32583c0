/** The pages about commands, flags, faults and alarms name what the code has, and nothing that it does not have. */
import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { faultSchema as awsFaultSchema } from '../../local/aws/faults/fault.ts';
import { faultSchema as klarnaFaultSchema } from '../../local/klarna-simulator/faults.ts';
import { faultSchema as functionFaultSchema } from '../../local/lambda/function-faults.ts';
import { metrics } from '../../functions/contract/metric-names.ts';
import { usage as localUsage } from '../../local/options.ts';
import { commandsByName } from '../support/command-line.ts';

const commandLine = readFileSync('docs/operate/command-line.md', 'utf8');
const localSystem = readFileSync('docs/reference/local-system.md', 'utf8');
const runbook = readFileSync('docs/operate/runbook.md', 'utf8');

const matches = (text: string, pattern: RegExp): readonly string[] =>
  [...new Set([...text.matchAll(pattern)].map(([, found = '']) => found.replaceAll(/\s+/g, ' ')))].toSorted();

it('the page of the command line has exactly its commands', () => {
  const known = [...commandsByName().keys()];
  expect(known.length).toBeGreaterThan(5);
  expect(known.filter((name) => !commandLine.includes(`lapse ${name}`))).toEqual([]);
  const lines = matches(commandLine, /^lapse ([a-z][a-z -]*[a-z])/gm);
  expect(lines.filter((line) => !known.some((name) => `${line} `.startsWith(`${name} `)))).toEqual([]);
});

it('the page of the local system has exactly its flags', () => {
  const known = matches(localUsage, /^ +(--[a-z-]+)/gm);
  expect(known.length).toBeGreaterThan(5);
  const rows = localSystem.split('\n').filter((line) => line.startsWith('| `--'));
  expect(matches(rows.map((row) => row.split('|')[1]).join('\n'), /(--[a-z-]+)/g)).toEqual(known);
});

const wordsOf = (schema: { readonly options: readonly string[] } | { readonly literal: string }) =>
  'options' in schema ? schema.options : [schema.literal];

it('the page of the local system has every kind of fault', () => {
  const kinds = [
    ...awsFaultSchema.options.flatMap(({ entries }) => wordsOf(entries.kind)),
    ...klarnaFaultSchema.options.flatMap(({ entries }) => wordsOf(entries.kind)),
    ...wordsOf(functionFaultSchema.entries.kind),
  ];
  expect(kinds.length).toBeGreaterThan(10);
  expect(kinds.filter((kind) => !localSystem.includes(`\`${kind}\``))).toEqual([]);
});

it('the runbook names only log codes that the functions write', () => {
  const sources = globSync('functions/**/*.ts')
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
  const codes = matches(runbook, /`((?:api|events|sweep|timer|webhook)\.[a-z-]+)`/g);
  expect(codes.length).toBeGreaterThan(5);
  expect(codes.filter((code) => !sources.includes(`'${code}'`))).toEqual([]);
});

const metricsPage = readFileSync('docs/reference/metrics.md', 'utf8');

it('the page of metrics has exactly the metrics that the functions write, with their statistics', () => {
  const rows = [...metricsPage.matchAll(/^\| `([A-Z]\w+)` +\| (\w+) +\|/gm)].map(([, name, statistic]) => [
    name,
    statistic,
  ]);
  expect(Object.fromEntries(rows)).toEqual(metrics);
});

it('the page of metrics names only log codes that the functions write', () => {
  const sources = globSync('functions/**/*.ts')
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
  const codes = matches(metricsPage, /^\| `([a-z]+\.[a-z-]+)` +\|/gm);
  expect(codes.length).toBeGreaterThan(8);
  expect(codes.filter((code) => !sources.includes(`'${code}'`))).toEqual([]);
});
