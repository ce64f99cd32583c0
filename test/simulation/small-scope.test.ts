import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Report } from './simulation.ts';
import {
  type Course,
  orders,
  overtakings,
  play,
  scopes,
  type SmallScope,
  strikeEveryPlace,
  strikes,
  wholeScopes,
} from './small-scope.ts';

function hold(course: Course, { violation }: Report): void {
  if (violation) expect.unreachable(`${violation.invariant}: ${violation.what} in ${JSON.stringify(course)}`);
}

describe('two webhooks, a cancel and a timer at the same moment', { timeout: 300_000 }, () => {
  it.each(scopes)(
    'every order with one overtaking keeps the invariants (customer $customer, Klarna lax: $lax)',
    async (scope) => {
      for (const order of orders) {
        const { calls, report } = await play(scope, { order });
        hold({ order }, report);
        for (const course of overtakings(order, calls)) hold(course, (await play(scope, course)).report);
      }
    },
  );

  it('every order with one fault of every kind at every call keeps the invariants', async () => {
    const scope: SmallScope = { customer: 'steps back', lax: true };
    for (const order of orders) {
      const { calls } = await play(scope, { order });
      for (const course of strikes(order, calls, false)) hold(course, (await play(scope, course)).report);
    }
  });

  it('every call of a port in the use cases is reached and struck by every kind of fault', async () => {
    const struck = new Map<string, number>();
    for (const scope of wholeScopes) {
      const places = await strikeEveryPlace(scope, (report) => hold({ order: [] }, report));
      for (const [place, kinds] of places) struck.set(place, Math.max(kinds.size, struck.get(place) ?? 0));
    }
    expect([...struck.keys()].filter((place) => !place.startsWith('trigger')).toSorted()).toEqual(
      callsInTheSource(),
    );
    expect([...struck].filter(([, kinds]) => kinds === 0)).toEqual([]);
  });
});

const portCall =
  /\b(?:(?:store|klarna|klarnaExpiry|timer|accounts|signingKeys|quarantine|publisher|unpublished|jobs|awaited)\.(?:read|readAll|observe|register|save|cancel|arm|remove|find|keep|noteReplay|noteStale|publish|start|idsOf|writePage|readPage|moveExpiry)|handOver\.(?:compare|settle)|lease\.(?:take|release)|clock\.wait|list\.listed|source\.next|of (?:jobs\.due|due\.due|awaited\.due|sessions\.ofSession|references\.ofReference|records\.changedSince))\(|for await \(const .* of (?:members|keys)\)/;

/**
 * Calls that so few events cannot lead to. The explorer plays full histories and many writers. The tests of pacing and of onboarding
 * play the others.
 */
const elsewhere: readonly RegExp[] = [
  // The third writer of one record, and a full history.
  /await clock\.wait\(pause\)/,
  /^ {6}record = await store\.read\(key\)/,
  /result = await store\.save\(stored, cut\)/,
  /^ {4}result = await store\.observe/,
  // More than a hundred requests of one session.
  /^ {4}records\.push\(\.\.\.\(await store\.readAll/,
  // Pacing, with clocks and limits of their own: test/application.
  /this\.#refuse\(clock\.now\(\) \+ wait\)/,
  /(?:unlessPaused|noted)\(call,/,
  // What becomes of a payment after COMPLETED: an hour later, or by a report of the shop.
  /list\.listed\(\{ by: 'reference'/,
  /listed\.map\(\(key\) => store\.read\(key\)\)/,
  /dependencies\.store\.read\(record\),$/,
  /^ {4}const known = await store\.read\(key\);$/,
  // Where the index of references lags: test/application/settle-reference.
  /const joined = await dependencies\.store\.read\(\{ account, paymentRequestId \}\)/,
  /await dependencies\.store\.read\(\{ account, paymentRequestId: seen \}\)/,
  // The heartbeat of a credential after a day: test/application.
  /await klarna\.read\(asked, paymentRequestId, callLimit\)/,
  // Deliveries from quarantine that tell nothing about a state.
  /^ {6}await quarantine\.noteReplay/,
  // Webhooks about accounts.
  /quarantine\.keep\(ifUnknown\)/,
  /verdict: 'onboarded'/,
];

/** Use cases for an operator: a fault ends the command, which is given again. Calls with an idempotency key: test/application. */
const others: readonly string[] = [
  'erase-records.ts',
  'erase-references.ts',
  'insight-timeouts.ts',
  'preview-sweep.ts',
  'repeat-safely.ts',
  'resolve-attention.ts',
];

/** Every line of the use cases that calls a port, but for those that are played elsewhere. */
const callsInTheSource = (): readonly string[] =>
  globSync('functions/application/*.ts')
    .filter((file) => !others.includes(basename(file)))
    .flatMap((file) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .flatMap((line, index) =>
          portCall.test(line) && !elsewhere.some((pattern) => pattern.test(line))
            ? [`${basename(file)}:${index + 1}`]
            : [],
        ),
    )
    .toSorted();
