import type { Draws } from '../simulation/draws.ts';

/** Texts that are known to break parsers. */
const texts = [
  '',
  ' ',
  '\u0000',
  '\u0000\u0001\u0002',
  '../../../etc/passwd',
  '%00',
  '%',
  '%zz',
  '%c3%28',
  'null',
  'undefined',
  '__proto__',
  'constructor',
  'toString',
  '-1',
  '1e309',
  '9'.repeat(400),
  'NaN',
  'a'.repeat(300),
  'a'.repeat(9_000),
  'é'.repeat(200),
  '😀'.repeat(70),
  '\ud800',
  '\u202egnp.exe',
  '<script>alert(1)</script>',
  "' OR 1=1 --",
  '${jndi:ldap://x}',
  '{{7*7}}',
  'krn:payment:eu1:request:',
  'krn:payment:eu1:request:a b',
  'P1Y',
  'PT-1S',
  'PT999999999999999H',
  '2026-02-31T00:00:00Z',
  '0000-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999999999Z',
  'true ',
  'TRUE',
  '#',
  'A#shop#P#x',
] as const;

const others = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  Number.MAX_SAFE_INTEGER,
  [],
  {},
  [[]],
  { $ref: '#' },
] as const;

export const malformedText = (draws: Draws): string => draws.pick(texts);

/** Any JSON value. */
export function malformed(draws: Draws): unknown {
  const roll = draws.next();
  if (roll < 0.5) return malformedText(draws);
  if (roll < 0.9) return draws.pick(others);
  let deep: unknown = 'x';
  for (let depth = draws.between(1, 200); depth > 0; depth -= 1) deep = draws.chance(0.5) ? [deep] : { deep };
  return deep;
}

/** Bodies that match no schema. */
export const malformedBodies: readonly Uint8Array[] = [
  '',
  '{',
  '[]',
  'null',
  '"text"',
  '{"a":1,"a":2}',
  '{"__proto__":{"dry_run":"true"}}',
  '[['.repeat(5_000),
  `{"a":${'['.repeat(2_000)}${']'.repeat(2_000)}}`,
  `"${'x'.repeat(20_000)}"`,
  `{"reason":"${'x'.repeat(200_000)}"}`,
  '\ufeff{}',
]
  .map((text) => Buffer.from(text))
  .concat([Buffer.from([0xff, 0xfe, 0x00]), Buffer.from([0x7b, 0xc3, 0x28, 0x7d]), Buffer.alloc(1_000)]);
